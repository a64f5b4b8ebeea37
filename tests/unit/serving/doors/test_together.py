"""Rows that are here at the same time: who is answered with others, and what must be asked by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.serving.domain.inference import AnsweredRows, AskedRow
from services.serving.domain.requests.plain_row import PlainRow
from services.serving.doors.together import answer_together
from tests.unit.serving.behind_doors import SIZED, Houses
from tests.unit.serving.houses import source


@pytest.fixture
def houses() -> Iterator[Houses]:
    houses = Houses()
    houses.catalog.load([source(1), source(SIZED)], 30)
    yield houses
    houses.close()


def house(rooms: float) -> AskedRow:
    return AskedRow(PlainRow(("rooms", "age"), (False, False), [rooms, 1.0]), f"house {rooms:g}")


def size(rooms: float) -> AskedRow:
    return AskedRow(PlainRow(("rooms",), (False,), [rooms]), f"size {rooms:g}")


def ids(_model: str, found: AnsweredRows) -> list[str]:
    return found.request_ids


def test_each_has_its_own_answer_and_what_no_model_answers_has_none(houses: Houses) -> None:
    asked = [(0, "p.house", house(1)), (2, "p.size", size(3)), (3, "p.nothing", size(1)), (5, "p.house", house(2))]
    asked += [(6, "no name", size(1)), (7, "p.broken", house(1))]
    assert answer_together(houses.inference, asked, "door", ids) == {0: "house 1", 2: "size 3", 5: "house 2"}


def test_what_breaks_for_one_model_costs_no_other_its_answers(houses: Houses) -> None:
    def written(model: str, found: AnsweredRows) -> list[str]:
        if model == "p.house":
            raise RuntimeError("this can't be written")
        return found.request_ids

    asked = [(0, "p.house", house(1)), (1, "p.size", size(3))]
    assert answer_together(houses.inference, asked, "door", written) == {1: "size 3"}
