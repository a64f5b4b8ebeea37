"""Houses behind every door in one process: deployments of made-up models, whose contributions are exact."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

import numpy as np

from fairlead.kit.errors import FailedPrecondition
from services.serving.domain.inference import Clock, Inference
from services.serving.domain.insights.conformal import Calibration
from services.serving.domain.insights.explanation import Explanation
from services.serving.domain.models.model import Model, ModelSource
from services.serving.domain.models.schema import InputColumn, Kind, Schema, TaskType
from services.serving.domain.requests.columns import Array, Columns
from services.serving.domain.statistics import StatisticsBook
from services.serving.domain.traffic.catalog import Catalog
from services.serving.domain.traffic.split import divided
from tests.unit.serving.houses import SumRuntime, cache_of, deployed, target, version, with_traffic
from tests.unit.serving.schemas import PRICE

SIZE = Schema(TaskType.MULTICLASS, ("small", "medium", "large"), (InputColumn("rooms", Kind.NUMBER, "rooms"),))
BROKEN, SLOW, SIZED, TELLING = 9, 8, 7, 6


class Sums:
    """What a sum can tell: each column contributes itself; nine held-out rows were wrong by 1 to 9."""

    def explainer(self) -> Sums:
        return self

    def explain(self, columns: Columns) -> Explanation:
        return Explanation(("rooms", "age"), np.stack(columns, axis=1)[:, None, :], np.array([0.0]), "value")

    def calibration(self) -> Calibration:
        return Calibration(9, np.arange(1, 10), np.arange(1.0, 10.0))


class Sizes:
    """Houses of up to 2, up to 5 and more rooms, told by probabilities of 0.5, 0.3 and 0.2."""

    def run(self, columns: Columns) -> Array:
        probabilities = np.full((len(columns[0]), 3), 0.2)
        best = np.searchsorted([2, 5], columns[0])
        rows = np.arange(len(best))
        probabilities[rows, (best + 1) % 3] = 0.3
        probabilities[rows, best] = 0.5
        return probabilities


class Slow:
    """Predicts once it may; counts how often it was asked."""

    def __init__(self) -> None:
        self.may = Event()
        self.asked = 0

    def run(self, columns: Columns) -> Array:
        self.asked += 1
        assert self.may.wait(30)
        return columns[0]


class SlowModel(Model):
    """Is never answered where its requests arrive, as if its warm-up had shown that it takes long."""

    is_quick = False


class Unlogged:
    """A prediction log and an observer that keep nothing."""

    def append(self, *_given: object, **_named: object) -> None: ...

    def began(self, door: str) -> None: ...

    def put_off(self, door: str) -> None: ...

    def answered(
        self, deployment: str, door: str, rows: int, total_ns: int, compute_ns: int, requests: int = 1
    ) -> None: ...

    def refused(self, deployment: str, door: str, code: str) -> None: ...


class Houses:
    """The models p.house (version 1), p.split (1 and 2), p.broken, p.slow, p.size (classes) and p.telling."""

    def __init__(self) -> None:
        self.slow = Slow()
        self.loads: list[str] = []
        self.catalog = Catalog(cache_of(self._load))
        self.catalog.restore(
            [
                deployed(1),
                with_traffic(divided([target(1, 90), target(2, 10)], ()), "split"),
                deployed(BROKEN, "broken"),
                deployed(SLOW, "slow"),
                deployed(SIZED, "size"),
                deployed(TELLING, "telling"),
            ]
        )
        clock = Clock(time.perf_counter_ns, time.time_ns, lambda: "made-up")
        unlogged = Unlogged()
        self.inference = Inference(self.catalog, unlogged, StatisticsBook(), unlogged, clock)

    def in_memory(self, number: int) -> bool:
        return self.catalog.cache.peek(version(number)) is not None

    def close(self) -> None:
        self.slow.may.set()
        self.catalog.close()

    def _load(self, source: ModelSource) -> Model:
        name = source.model_version
        self.loads.append(name)
        number = int(name.rpartition("/")[2])
        made: dict[int, Callable[[], Model]] = {
            SLOW: lambda: SlowModel(name, PRICE, self.slow),
            SIZED: lambda: Model(name, SIZE, Sizes()),
            TELLING: lambda: Model(name, PRICE, SumRuntime(1), Sums()),
        }
        if number == BROKEN:
            raise FailedPrecondition("the package holds no model")
        return made.get(number, lambda: Model(name, PRICE, SumRuntime(number)))()
