from __future__ import annotations

from services.profiler.domain.reading.names import stable_names


def test_blank_and_repeated_headers_get_stable_names() -> None:
    names, notes = stable_names(["a", "", "a", " ", "A", "\ufeffb"])
    assert names == ("a", "column_2", "a_2", "column_4", "A_3", "b")
    assert len(notes) == 2


def test_a_name_that_is_made_up_never_takes_one_that_is_given() -> None:
    assert stable_names(["a", "a", "a_2"])[0] == ("a", "a_3", "a_2")
    assert len(set(stable_names(["column_2", "", ""])[0])) == 3


def test_good_names_stay_as_they_are_without_notes() -> None:
    assert stable_names(["CO(GT)", "fixed acidity"]) == (("CO(GT)", "fixed acidity"), ())
