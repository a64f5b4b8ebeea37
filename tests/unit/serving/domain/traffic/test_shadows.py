"""What shadows do beyond what requests show (tests of that: test_inference.py): bounds, and an end."""

from collections.abc import Iterator
from threading import Event, Thread

import numpy as np
import pytest

from services.serving.domain.models.model import Model
from services.serving.domain.models.prediction import Prediction
from services.serving.domain.requests.columns import Columns
from services.serving.domain.traffic.catalog import Catalog
from services.serving.domain.traffic.route import Route
from services.serving.domain.traffic.shadows import ShadowRequest, Shadows, bytes_of
from services.serving.domain.traffic.split import divided
from tests import waiting
from tests.unit.serving.houses import Loader, cache_of, target, version, with_traffic
from tests.unit.serving.schemas import numbers

ROUTE = Route(with_traffic(divided([target(1, 100), target(2, shadow=True)], ())))


class Kept:
    """A log and an observer that count rows."""

    def __init__(self) -> None:
        self.logged = self.predicted = self.dropped = 0
        self.failures: list[str] = []
        self.slow: Event | None = None

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
        if self.slow is not None:
            assert self.slow.wait(30)
        self.logged += prediction.rows

    def shadow_predicted(self, rows: int) -> None:
        self.predicted += rows

    def shadow_dropped(self, rows: int) -> None:
        self.dropped += rows

    def shadow_failed(self, deployment: str, version: str, rows: int, error: Exception) -> None:
        self.failures.append(str(error))


class Shadowed:
    def __init__(self) -> None:
        self.load, self.kept = Loader(), Kept()
        self.catalog = Catalog(cache_of(self.load))
        self.now = 0.0
        self.shadows = Shadows(
            self.catalog, self.kept, self.kept, bytes=1000, close_seconds=2.0, clock=lambda: self.now
        )

    def offer(self, rows: int = 1) -> None:
        columns = (numbers([1.0] * rows), numbers([2.0] * rows))
        self.shadows.offer(ShadowRequest(ROUTE, columns, rows, "id", 0))


@pytest.fixture
def shadowed() -> Iterator[Shadowed]:
    shadowed = Shadowed()
    yield shadowed
    shadowed.shadows.close()
    shadowed.catalog.close()


def test_what_waits_is_bounded_in_bytes_too(shadowed: Shadowed) -> None:
    shadowed.load.blocked[version(2)] = Event()
    for _ in range(10):
        # 320 bytes each.
        shadowed.offer(rows=20)
    assert shadowed.kept.dropped == 7 * 20
    shadowed.load.blocked[version(2)].set()
    waiting.until(lambda: shadowed.kept.predicted == 3 * 20, "the shadows")
    # What is predicted makes room.
    waiting.until(lambda: shadowed.shadows._bytes == 0, "the room")
    shadowed.offer(rows=20)
    waiting.until(lambda: shadowed.kept.predicted == 4 * 20, "the shadow")


def test_texts_count_with_their_characters() -> None:
    many = np.array(["x" * 100] * 10_000, dtype=object)
    assert 10_000 * 150 < bytes_of((many,)) < 10_000 * 200
    assert bytes_of((numbers([1.0, 2.0]), numbers([]))) == 16
    assert bytes_of((np.array([], dtype=object),)) == 0


def test_closing_does_not_wait_for_a_model_that_is_still_loading(shadowed: Shadowed) -> None:
    shadowed.load.blocked[version(2)] = Event()
    for _ in range(3):
        shadowed.offer()
    waiting.until(lambda: version(2) in shadowed.load.loads, "the loading")
    shadowed.shadows.close()
    assert (shadowed.kept.predicted, shadowed.kept.dropped) == (0, 3)
    shadowed.load.blocked[version(2)].set()


def test_closing_predicts_what_waits_for_a_moment_only(shadowed: Shadowed) -> None:
    shadowed.offer()
    waiting.until(lambda: shadowed.kept.predicted == 1, "the first")
    shadowed.kept.slow = Event()
    for _ in range(5):
        shadowed.offer()
    waiting.until(lambda: len(shadowed.shadows._queue) == 4, "the second to be under way")
    closing = Thread(target=shadowed.shadows.close)
    closing.start()
    waiting.until(lambda: shadowed.shadows._closing, "the end")
    shadowed.now = 2.0
    shadowed.kept.slow.set()
    closing.join()
    assert (shadowed.kept.predicted, shadowed.kept.dropped) == (2, 4)
    shadowed.offer()
    assert shadowed.kept.dropped == 5
