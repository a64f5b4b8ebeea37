"""Small conversions of what callers write."""

from __future__ import annotations

import pytest

from fairlead.kit.errors import InvalidArgument
from services.gateway.domain.budget import parse_budget
from services.gateway.domain.media_type import wants_text
from services.gateway.domain.page_position import position_of
from services.gateway.domain.references import qualify
from services.gateway.domain.same_origin import is_same_origin
from services.gateway.domain.truth import truth_text


@pytest.mark.parametrize(
    ("written", "seconds"), [(90, 90.0), (0.5, 0.5), ("60s", 60.0), ("60", 60.0), (" 1.5h ", 5400.0), ("5m", 300.0)]
)
def test_a_budget_is_a_number_of_seconds_or_text_with_a_unit(written: float | str, seconds: float) -> None:
    assert parse_budget(written) == seconds


@pytest.mark.parametrize("written", ["soon", "", "-5s", 0, -1, float("nan"), float("inf"), "10 days"])
def test_what_is_no_budget_is_refused(written: float | str) -> None:
    with pytest.raises(InvalidArgument) as failure:
        parse_budget(written)

    assert failure.value.violations[0].field == "budget"


@pytest.mark.parametrize("reference", ["adult", "datasets/adult", "projects/p/datasets/adult"])
def test_a_reference_may_leave_out_what_its_place_tells(reference: str) -> None:
    assert qualify("projects/p", "datasets", reference, "dataset") == "projects/p/datasets/adult"


def test_a_reference_keeps_what_follows_the_id() -> None:
    assert qualify("projects/p", "datasets", "adult/versions/2", "d") == "projects/p/datasets/adult/versions/2"
    assert qualify("projects/p", "datasets", "", "d") == ""


def test_a_resource_of_another_project_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="must be a resource of projects/p"):
        qualify("projects/p", "datasets", "projects/other/datasets/adult", "dataset")


@pytest.mark.parametrize(
    ("format_", "accept", "text"),
    [
        ("text", "application/json", True),
        ("json", "text/plain", False),
        ("", "text/plain", True),
        ("", "text/plain, application/json;q=0.5", True),
        ("", "application/json, text/plain;q=0.5", False),
        ("", "*/*", False),
        ("", "", False),
        ("", "text/plain;q=high", False),
    ],
)
def test_text_is_given_where_it_is_asked_for(format_: str, accept: str, text: bool) -> None:
    assert wants_text(format_, accept) is text


@pytest.mark.parametrize(
    ("origin", "same"),
    [
        ("http://localhost:7400", True),
        ("https://LOCALHOST:7400", True),
        ("http://localhost:7401", False),
        ("http://evil.example", False),
        ("null", False),
        ("", False),
        (None, False),
    ],
)
def test_an_origin_must_name_the_very_host_and_port(origin: str | None, same: bool) -> None:
    assert is_same_origin(origin, "localhost:7400") is same


@pytest.mark.parametrize(("value", "text"), [("<=50K", "<=50K"), (1.0, "1"), (2.5, "2.5"), (True, "true")])
def test_a_truth_is_written_as_class_labels_are(value: str | float | bool, text: str) -> None:
    assert truth_text(value) == text


@pytest.mark.parametrize("text", ["", "-1", "x", "1.5", "²"])
def test_a_page_token_that_holds_no_position_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="page_token"):
        position_of(text)
