from __future__ import annotations

import pytest

from fairlead.kit.errors import InvalidArgument
from fairlead.kit.pagination import decode_token, encode_token, page_limit
from fairlead.kit.resources import parse_name, require_id


def test_ids_are_read_from_a_name() -> None:
    assert parse_name("projects/{project}/runs/{run}", "projects/p/runs/r1") == {"project": "p", "run": "r1"}


@pytest.mark.parametrize(
    "name", ["", "projects/p", "projects/p/runs/", "projects/p/runs/r/x", "p/runs/r", "projects//runs/r"]
)
def test_a_name_of_another_form_is_refused_with_the_form(name: str) -> None:
    with pytest.raises(InvalidArgument, match=r"projects/\{project\}/runs/\{run\}"):
        parse_name("projects/{project}/runs/{run}", name)


@pytest.mark.parametrize("value", ["a", "adult-census-2", "a" * 63])
def test_a_good_id_is_returned(value: str) -> None:
    assert require_id(value, "dataset_id") == value


@pytest.mark.parametrize("value", ["", "2a", "A", "a_b", "a/b", "a" * 64, "ä"])
def test_a_bad_id_is_refused_by_its_field(value: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        require_id(value, "dataset_id")

    assert refused.value.violations[0].field == "dataset_id"


@pytest.mark.parametrize(("asked", "given"), [(0, 50), (7, 7), (5000, 1000)])
def test_a_page_has_a_default_and_a_greatest_size(asked: int, given: int) -> None:
    assert page_limit(asked) == given


def test_a_negative_page_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="negative"):
        page_limit(-1)


@pytest.mark.parametrize("value", ["", "x", "projects/p/é"])
def test_tokens_hide_and_give_back_their_value(value: str) -> None:
    assert decode_token(encode_token(value)) == value


@pytest.mark.parametrize("token", ["!!", "a", "/w=="])
def test_a_made_up_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgument, match="page_token"):
        decode_token(token)
