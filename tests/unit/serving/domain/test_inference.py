from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from threading import Event

import numpy as np
import pytest

from fairlead.kit.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable
from services.serving.domain.inference import AskedRow, Clock, Inference, TakesLong
from services.serving.domain.models.model import Model
from services.serving.domain.models.prediction import Prediction
from services.serving.domain.models.schema import Schema
from services.serving.domain.requests.columns import Columns, columns_of
from services.serving.domain.requests.options import PredictionOptions
from services.serving.domain.requests.plain_row import PlainRow
from services.serving.domain.statistics import StatisticsBook
from services.serving.domain.traffic.catalog import Catalog
from services.serving.domain.traffic.shadows import Shadows
from services.serving.domain.traffic.split import Target, divided
from tests import waiting
from tests.unit.serving.houses import Loader, cache_of, deployed, source, target, version, with_traffic
from tests.unit.serving.schemas import numbers

HOUSE = deployed(3)


class Kept:
    """A prediction log and an observer that remember."""

    def __init__(self) -> None:
        self.logged: list[tuple[str, str, int]] = []
        self.versions: list[str] = []
        self.shadowed: list[tuple[str, str, float]] = []
        self.rates: set[float] = set()
        self.predicted: np.ndarray | None = None
        self.counted: list[tuple[str, str]] = []
        self.shadows: list[tuple[str, int]] = []
        self.full = False

    def append(
        self,
        deployment: str,
        model: Model,
        request_id: str | list[str],
        columns: Columns,
        prediction: Prediction,
        time_ns: int,
        *,
        shadow: bool = False,
        sampling_rate: float = 0.0,
    ) -> None:
        if self.full:
            raise Unavailable("the log is full")
        if shadow:
            assert prediction.values is not None
            assert isinstance(request_id, str)
            self.shadowed.append((model.number, request_id, prediction.values[0]))
            return
        ids, rows = ([request_id], prediction.rows) if isinstance(request_id, str) else (request_id, 1)
        self.logged += [(deployment, each, rows) for each in ids]
        self.versions += [model.number] * len(ids)
        self.rates.add(sampling_rate)
        self.predicted = prediction.values

    def began(self, door: str) -> None:
        self.counted.append((door, "began"))

    def put_off(self, door: str) -> None:
        self.counted.append((door, "put off"))

    def answered(
        self, deployment: str, door: str, rows: int, total_ns: int, compute_ns: int, requests: int = 1
    ) -> None:
        told = f"{rows} rows in {total_ns} ns, {compute_ns} of them computing"
        self.counted.append((door, told if requests == 1 else f"{requests} requests of {told}"))

    def refused(self, deployment: str, door: str, code: str) -> None:
        self.counted.append((door, code))

    def shadow_predicted(self, rows: int) -> None:
        self.shadows.append(("predicted", rows))

    def shadow_dropped(self, rows: int) -> None:
        self.shadows.append(("dropped", rows))

    def shadow_failed(self, deployment: str, version: str, rows: int, error: Exception) -> None:
        self.shadows.append((f"failed: {error}", rows))


def a_house(rooms: float = 3.0) -> Callable[[Schema], tuple[Columns, int]]:
    return lambda schema: columns_of(schema, {"rooms": numbers([rooms, 1]), "age": numbers([1, 2])})


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def load() -> Loader:
    return Loader()


@pytest.fixture
def inference(kept: Kept, load: Loader) -> Iterator[Inference]:
    catalog = Catalog(cache_of(load))
    catalog.put(HOUSE)
    catalog.load([source(number) for number in (1, 2, 3)], 30)
    ticks, chances = count(step=100), count()
    clock = Clock(
        monotonic_ns=lambda: next(ticks),
        wall_ns=lambda: 7_000_000,
        new_id=lambda: "made-up",
        chance=lambda: next(chances) % 100 / 100,
    )
    shadows = Shadows(catalog, kept, kept, requests=3, rows=100)
    yield Inference(catalog, kept, StatisticsBook(), kept, clock, shadows)
    shadows.close()
    catalog.close()


def split(inference: Inference, *targets: Target, sampling: float = 0.0) -> None:
    deployment = with_traffic(divided(targets, ()))
    inference.catalog.put(replace(deployment, log_sampling_rate=sampling))


def test_an_answer_is_logged_and_counted_by_its_request_id(inference: Inference, kept: Kept) -> None:
    answer = inference.answer(HOUSE.name, a_house(), door="rest", request_id="mine")
    np.testing.assert_array_equal(answer.prediction.values, [2_000_004, 2_000_003])
    assert kept.logged == [(HOUSE.name, "mine", 2)]
    assert kept.counted == [("rest", "began"), ("rest", "2 rows in 300 ns, 100 of them computing")]
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
    assert kept.counted == [("grpc", told) for code in codes for told in ("began", code)]
    assert kept.logged == []
    assert inference.book.of(HOUSE.name).failures == 3
    assert inference.book.of("projects/p/deployments/none").failures == 0


def test_what_the_log_refuses_is_refused_and_counted(inference: Inference, kept: Kept) -> None:
    kept.full = True
    with pytest.raises(Unavailable, match="the log is full"):
        inference.answer(HOUSE.name, a_house(), door="rest")
    assert kept.counted == [("rest", "began"), ("rest", "UNAVAILABLE")]
    assert (inference.book.of(HOUSE.name).requests, inference.book.of(HOUSE.name).failures) == (0, 1)


def test_a_split_answers_by_chance_and_statistics_tell_who(inference: Inference, kept: Kept) -> None:
    split(inference, target(1, 90), target(2, 10))
    for _ in range(200):
        inference.answer(HOUSE.name, a_house(), door="rest")
    assert (kept.versions.count("1"), kept.versions.count("2")) == (180, 20)
    assert [inference.book.of(HOUSE.name, number).requests for number in "12"] == [180, 20]


def test_a_routing_key_is_answered_by_the_same_version_each_time(inference: Inference, kept: Kept) -> None:
    split(inference, target(1, 50), target(2, 50))
    for number in range(40):
        options = PredictionOptions(routing_key=f"customer-{number % 20}")
        inference.answer(HOUSE.name, a_house(), door="rest", options=options)
    assert kept.versions[:20] == kept.versions[20:]
    assert set(kept.versions) == {"1", "2"}


def test_a_version_of_the_split_can_be_asked_for(inference: Inference) -> None:
    split(inference, target(1, 99), target(2, 1), target(3, shadow=True))
    for number in "123":
        assert inference.answer(HOUSE.name, a_house(), door="rest", version=number).model.number == number
        assert inference.model(HOUSE.name, number).number == number
    assert inference.model(HOUSE.name).number == "1"
    with pytest.raises(NotFound, match="serves versions 1, 2, not 4"):
        inference.answer(HOUSE.name, a_house(), door="rest", version="4")


def test_a_model_that_is_not_in_memory_is_loaded_by_its_first_request(inference: Inference) -> None:
    inference.catalog.cache.discard(version(3))
    assert inference.answer(HOUSE.name, a_house(), door="rest").model.version == version(3)


def test_shadows_predict_what_was_answered_and_are_logged_as_such(inference: Inference, kept: Kept) -> None:
    split(inference, target(1, 100), target(2, shadow=True), target(3, shadow=True))
    answer = inference.answer(HOUSE.name, a_house(), door="rest", request_id="mine")
    assert answer.model.number == "1"
    waiting.until(lambda: len(kept.shadows) == 2, "the shadows")
    assert kept.logged == [(HOUSE.name, "mine", 2)]
    assert kept.shadowed == [("2", "mine", 1_000_004), ("3", "mine", 2_000_004)]
    assert kept.shadows == [("predicted", 2), ("predicted", 2)]


def test_a_shadow_that_fails_is_told_and_no_callers_concern(inference: Inference, kept: Kept, load: Loader) -> None:
    load.broken[version(4)] = FailedPrecondition("the package is broken")
    split(inference, target(1, 100), target(4, shadow=True))
    assert inference.answer(HOUSE.name, a_house(), door="rest").model.number == "1"
    waiting.until(lambda: bool(kept.shadows), "the failure")
    assert kept.shadows == [("failed: the package is broken", 2)]


def test_what_waits_for_shadows_is_bounded_and_drops_are_counted(
    inference: Inference, kept: Kept, load: Loader
) -> None:
    load.blocked[version(4)] = Event()
    split(inference, target(1, 100), target(4, shadow=True))
    for number in range(10):
        inference.answer(HOUSE.name, a_house(), door="rest", request_id=str(number))
    # One is being predicted, at most, and three wait.
    dropped = kept.shadows.count(("dropped", 2))
    assert dropped in (6, 7)
    load.blocked[version(4)].set()
    waiting.until(lambda: len(kept.shadows) == 10, "the shadows")
    assert len(kept.shadowed) == 10 - dropped


def test_what_is_sampled_is_logged_at_its_rate_with_its_shadows(inference: Inference, kept: Kept) -> None:
    split(inference, target(1, 100), target(2, shadow=True), sampling=0.01)
    for number in range(200):
        inference.answer(HOUSE.name, a_house(), door="rest", request_id=str(number))
    assert len(kept.logged) == 2
    assert kept.rates == {0.01}
    waiting.until(lambda: len(kept.shadows) == 2, "the shadows")
    assert [request for _, request, _ in kept.shadowed] == [request for _, request, _ in kept.logged]
    assert inference.book.of(HOUSE.name).requests == 200


def test_what_a_model_has_nothing_for_is_refused(inference: Inference, kept: Kept) -> None:
    for options in (PredictionOptions(explain=True), PredictionOptions(interval=0.9)):
        with pytest.raises(FailedPrecondition, match="tells nothing beside"):
            inference.answer(HOUSE.name, a_house(), door="rest", options=options)
    assert kept.logged == []


def row(rooms: float, age: float = 1.0, name: str = "", key: str = "") -> AskedRow:
    return AskedRow(PlainRow(("rooms", "age"), (False, False), [rooms, age]), name, key)


def test_requests_of_a_row_each_are_answered_together_as_they_are_alone(inference: Inference, kept: Kept) -> None:
    (found,) = inference.answer_rows(HOUSE.name, [row(3, name="mine"), row(1, 2)], door="rest")
    assert (list(found.places), found.request_ids, found.model.number) == ([0, 1], ["mine", "made-up"], "3")
    alone = inference.answer(HOUSE.name, a_house(), door="rest").prediction
    np.testing.assert_array_equal(found.prediction.values, alone.values)
    assert kept.logged[:2] == [(HOUSE.name, "mine", 1), (HOUSE.name, "made-up", 1)]
    assert kept.counted[:3] == [("rest", "began")] * 2 + [
        ("rest", "2 requests of 1 rows in 300 ns, 100 of them computing")
    ]
    statistics = inference.book.of(HOUSE.name)
    assert (statistics.requests, statistics.rows) == (3, 4)


def test_a_split_divides_requests_that_are_answered_together(inference: Inference, kept: Kept) -> None:
    split(inference, target(1, 50), target(2, 50))
    asked = [row(rooms, name=f"r{rooms}", key=f"someone-{rooms}") for rooms in range(40)]
    found = inference.answer_rows(HOUSE.name, asked, door="rest")
    assert sorted(each.model.number for each in found) == ["1", "2"]
    assert sorted(place for each in found for place in each.places) == list(range(40))
    for each in found:
        for place in each.places:
            options = PredictionOptions(routing_key=asked[place].routing_key)
            alone = inference.answer(HOUSE.name, a_house(), door="rest", options=options)
            assert alone.model.number == each.model.number


@pytest.mark.parametrize(
    "asked",
    [[row(1), AskedRow(PlainRow(("age", "rooms"), (False, False), [1, 1]))], [row(1)] * 2],
    ids=["order", "full"],
)
def test_requests_that_can_not_be_answered_together_leave_no_trace(
    inference: Inference, kept: Kept, asked: list[AskedRow]
) -> None:
    kept.full = True
    assert inference.answer_rows(HOUSE.name, asked, door="rest") == []
    assert (kept.logged, kept.counted) == ([], [])
    assert inference.book.of(HOUSE.name).requests == 0


def test_shadows_have_each_request_by_itself(inference: Inference) -> None:
    split(inference, target(1, 100), target(2, shadow=True))
    assert inference.answer_rows(HOUSE.name, [row(1), row(2)], door="rest") == []


def test_of_requests_that_are_answered_together_the_sample_is_logged_and_all_are_answered(
    inference: Inference, kept: Kept
) -> None:
    split(inference, target(1, 100), sampling=0.25)
    # The clock's chances are 0.00, 0.01 and so on, so that the first quarter of a hundred is kept.
    (found,) = inference.answer_rows(HOUSE.name, [row(rooms, name=f"r{rooms}") for rooms in range(100)], door="rest")
    np.testing.assert_array_equal(found.prediction.values, np.arange(100) + 1)
    assert kept.logged == [(HOUSE.name, f"r{rooms}", 1) for rooms in range(25)]
    assert kept.rates == {0.25}
    np.testing.assert_array_equal(kept.predicted, np.arange(25) + 1)


def test_rows_for_a_model_that_is_not_in_memory_or_not_there_are_not_answered_together(inference: Inference) -> None:
    inference.catalog.cache.discard(version(3))
    assert inference.answer_rows(HOUSE.name, [row(1), row(2)], door="rest") == []
    assert inference.answer_rows("projects/p/deployments/none", [row(1), row(2)], door="rest") == []


def test_a_split_with_a_slow_version_is_drawn_once_for_each_request(inference: Inference) -> None:
    split(inference, target(1, 50), target(2, 50))
    slow = inference.catalog.cache.find(version(2))
    assert slow is not None
    slow.warm_up(count().__next__)
    assert inference.answer_rows(HOUSE.name, [row(1)] * 20, door="rest") == []
    answered = [inference.answer(HOUSE.name, a_house(), door="rest").model.number for _ in range(100)]
    assert answered.count("1") == 50


def test_a_model_is_quick_though_it_was_measured_in_a_bad_moment(inference: Inference) -> None:
    model = inference.catalog.cache.find(version(3))
    assert model is not None

    model.warm_up(iter([0.0, 0.3, 1.0, 1.0001]).__next__)
    assert model.is_quick

    model.warm_up(count().__next__)
    assert not model.is_quick


@pytest.mark.parametrize(
    ("rows", "options"), [(65, PredictionOptions()), (1, PredictionOptions(explain=True))], ids=["rows", "explain"]
)
def test_what_takes_long_is_not_answered_at_once_and_counts_when_it_comes_again(
    inference: Inference, kept: Kept, rows: int, options: PredictionOptions
) -> None:
    def read(schema: Schema) -> tuple[Columns, int]:
        return columns_of(schema, {"rooms": numbers([1] * rows), "age": numbers([1] * rows)})

    with pytest.raises(TakesLong):
        inference.answer(HOUSE.name, read, door="rest", options=options, at_once=True)
    assert kept.counted == [("rest", "began"), ("rest", "put off")]
    assert kept.logged == []


def test_a_deployment_that_is_not_known_here_is_not_looked_for_at_once(inference: Inference) -> None:
    with pytest.raises(TakesLong):
        inference.answer("projects/p/deployments/none", a_house(), door="rest", at_once=True)


@pytest.mark.parametrize("name", ["i" * 257, "ü" * 129, "a\ud800"])
def test_an_id_is_short_and_a_text(inference: Inference, kept: Kept, name: str) -> None:
    with pytest.raises(InvalidArgument, match=r"id: .* at most 256 bytes"):
        inference.answer(HOUSE.name, a_house(), door="rest", request_id=name)
    row = PlainRow(("rooms", "age"), (False, False), [3.0, 1.0])
    assert inference.answer_rows(HOUSE.name, [AskedRow(row, name), AskedRow(row, "mine")], door="rest") == []
    assert kept.logged == []
    assert inference.answer(HOUSE.name, a_house(), door="rest", request_id="i" * 256).request_id == "i" * 256


def test_a_bad_id_for_a_deployment_that_is_not_there_leaves_no_statistics(inference: Inference) -> None:
    with pytest.raises(NotFound):
        inference.answer("projects/p/deployments/none", a_house(), door="rest", request_id="i" * 257)
    assert inference.book.of("projects/p/deployments/none").failures == 0
