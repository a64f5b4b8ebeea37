from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import numpy as np
import pytest

from fairlead.kit.errors import InvalidArgument, NotFound, Unavailable
from services.serving.domain.catalog import Catalog
from services.serving.domain.columns import Array, Columns, columns_of
from services.serving.domain.deployment import Deployment
from services.serving.domain.inference import Clock, Inference
from services.serving.domain.model import Model
from services.serving.domain.prediction import Prediction
from services.serving.domain.schema import Schema
from services.serving.domain.statistics import StatisticsBook
from tests.unit.serving.schemas import PRICE, numbers

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUSE = Deployment("p", "house", "projects/p/models/m/versions/3", "models/p/3", "e", NOW, NOW)


class SumRuntime:
    def run(self, columns: Columns) -> Array:
        if (columns[0] == 666).any():
            raise RuntimeError("the runtime fails on this row")
        return columns[0] + columns[1]


class Kept:
    """A prediction log and an observer that remember."""

    def __init__(self) -> None:
        self.logged: list[tuple[str, str, int]] = []
        self.counted: list[tuple[str, str]] = []
        self.full = False

    def append(
        self, deployment: str, model: Model, request_id: str, columns: Columns, prediction: Prediction, time_ns: int
    ) -> None:
        if self.full:
            raise Unavailable("the log is full")
        self.logged.append((deployment, request_id, prediction.rows))

    def answered(self, deployment: str, door: str, rows: int, total_ns: int, compute_ns: int) -> None:
        self.counted.append((door, f"{rows} rows in {total_ns} ns, {compute_ns} of them computing"))

    def refused(self, deployment: str, door: str, code: str) -> None:
        self.counted.append((door, code))


def a_house(rooms: float = 3.0) -> Callable[[Schema], tuple[Columns, int]]:
    return lambda schema: columns_of(schema, {"rooms": numbers([rooms, 1]), "age": numbers([1, 2])})


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def inference(kept: Kept) -> Inference:
    catalog = Catalog(lambda deployment: Model(deployment.model_version, PRICE, SumRuntime()))
    catalog.put(HOUSE, catalog.load(HOUSE))
    ticks = count(step=100)
    clock = Clock(monotonic_ns=lambda: next(ticks), wall_ns=lambda: 7_000_000, new_id=lambda: "made-up")
    return Inference(catalog, kept, StatisticsBook(), kept, clock)


def test_an_answer_is_logged_and_counted_by_its_request_id(inference: Inference, kept: Kept) -> None:
    answer = inference.answer(HOUSE.name, a_house(), door="rest", request_id="mine")
    np.testing.assert_array_equal(answer.prediction.values, [4, 3])
    assert kept.logged == [(HOUSE.name, "mine", 2)]
    assert kept.counted == [("rest", "2 rows in 300 ns, 100 of them computing")]
    statistics = inference.book.of(HOUSE.name)
    assert (statistics.requests, statistics.rows, statistics.compute_ns, statistics.last_ms) == (1, 2, 100, 7)


def test_an_empty_request_id_is_made_up(inference: Inference, kept: Kept) -> None:
    assert inference.answer(HOUSE.name, a_house(), door="rest").request_id == "made-up"
    assert kept.logged[0][1] == "made-up"


def test_the_deployed_version_answers_and_no_other(inference: Inference) -> None:
    assert inference.answer(HOUSE.name, a_house(), door="rest", version="3").model.number == "3"
    with pytest.raises(NotFound, match="serves version 3, not 2"):
        inference.answer(HOUSE.name, a_house(), door="rest", version="2")


def test_a_refused_request_is_counted_and_not_logged(inference: Inference, kept: Kept) -> None:
    with pytest.raises(InvalidArgument):
        inference.answer(HOUSE.name, lambda schema: columns_of(schema, {}), door="grpc")
    with pytest.raises(InvalidArgument, match="no rows"):
        inference.answer(HOUSE.name, lambda _: ((numbers([]), numbers([])), 0), door="grpc")
    with pytest.raises(NotFound):
        inference.answer("projects/p/deployments/none", a_house(), door="grpc")
    with pytest.raises(RuntimeError):
        inference.answer(HOUSE.name, a_house(666), door="grpc")
    codes = ["INVALID_ARGUMENT", "INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL"]
    assert kept.counted == [("grpc", code) for code in codes]
    assert kept.logged == []
    assert inference.book.of(HOUSE.name).failures == 3
    assert inference.book.of("projects/p/deployments/none").failures == 0


def test_what_the_log_refuses_is_refused_and_counted(inference: Inference, kept: Kept) -> None:
    kept.full = True
    with pytest.raises(Unavailable, match="the log is full"):
        inference.answer(HOUSE.name, a_house(), door="rest")
    assert kept.counted == [("rest", "UNAVAILABLE")]
    assert (inference.book.of(HOUSE.name).requests, inference.book.of(HOUSE.name).failures) == (0, 1)
