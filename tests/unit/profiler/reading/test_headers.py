from __future__ import annotations

import pytest

from fairlead.kit.errors import InvalidArgument
from services.profiler.domain.reading.headers import read_header

ROWS = [("1", "x"), ("2", "y"), ("3", "z")]


def test_texts_above_values_are_a_header() -> None:
    assert read_header([("n", "w"), *ROWS], 2).names == ("n", "w")


def test_a_first_record_with_values_is_data() -> None:
    header = read_header([("7", "q"), *ROWS], 2)
    assert (header.names, header.records) == (("", ""), 0)


def test_numbers_that_go_up_by_one_are_names() -> None:
    assert read_header([("0", "1"), *ROWS], 2).records == 1
    assert read_header([("country", "2010", "2011"), ("DE", "3", "4")], 3).records == 1


def test_texts_that_come_again_in_their_columns_are_data() -> None:
    records = [("p", "x"), *[("p", "x"), ("e", "s")] * 5]
    assert read_header(records, 2).records == 0


def test_a_second_header_goes_into_the_names() -> None:
    first = ("id", "Which films?", "", "", "", "Age")
    second = ("", "Film 1", "Film 2", "Film 3", "Film 4", "Response")
    header = read_header([first, second, ("1", "yes", "no", "yes", "no", "30")], 6)
    assert header.records == 2
    assert header.names[:4] == ("id", "Which films? / Film 1", "Which films? / Film 2", "Which films? / Film 3")
    assert header.names[5] == "Age"


def test_a_first_row_with_numbers_is_no_second_header() -> None:
    first = ("id", "a", "", "", "")
    assert read_header([first, ("", "1", "2", "3", "4"), ("2", "1", "2", "3", "4")], 5).records == 1


def test_a_header_without_rows_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="no rows"):
        read_header([("a", "b")], 2)
