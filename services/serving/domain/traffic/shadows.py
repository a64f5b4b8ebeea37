"""Predictions of shadows: after the answer, by a thread of their own, from a queue that is bounded."""

from __future__ import annotations

from collections import deque
from threading import Condition, Thread
from typing import NamedTuple, Protocol

from ..prediction_log import PredictionLog
from ..requests.columns import Columns
from .catalog import Catalog
from .route import Arm, Route

REQUESTS = 1024
ROWS = 65_536
LOAD_SECONDS = 60.0


class ShadowRequest(NamedTuple):
    """A request that was answered: its route, its columns and rows, and what its answer was logged with."""

    route: Route
    columns: Columns
    rows: int
    request_id: str
    time_ns: int


class ShadowObserver(Protocol):
    """What is told of every prediction of a shadow."""

    def shadow_predicted(self, rows: int) -> None:
        """Count rows that a shadow predicted."""

    def shadow_dropped(self, rows: int) -> None:
        """Count rows that a shadow did not predict, since too many waited."""

    def shadow_failed(self, deployment: str, version: str, rows: int, error: Exception) -> None:
        """Count rows that a shadow could not predict."""


class Shadows:
    """Predicts what was answered again, with the shadows of the split, and logs it."""

    def __init__(
        self,
        catalog: Catalog,
        log: PredictionLog,
        observer: ShadowObserver,
        *,
        requests: int = REQUESTS,
        rows: int = ROWS,
    ) -> None:
        """Let no more than so many requests and rows wait."""
        self._cache = catalog.cache
        self._log = log
        self._observer = observer
        self._most_requests = requests
        self._most_rows = rows
        self._queue: deque[ShadowRequest] = deque()
        self._rows = 0
        self._closing = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="shadows", daemon=True)
        self._thread.start()

    def offer(self, request: ShadowRequest) -> None:
        """Predict a request later on; where too many wait, drop and count it. Returns at once."""
        with self._changed:
            # One that is larger than all that may wait is taken where nothing waits.
            full = len(self._queue) >= self._most_requests or self._rows + request.rows > self._most_rows
            if not self._closing and (not full or (not self._queue and self._most_requests)):
                self._queue.append(request)
                self._rows += request.rows
                self._changed.notify()
                return
        self._observer.shadow_dropped(request.rows * len(request.route.shadows))

    def close(self) -> None:
        """Predict what waits, and no more."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue:
                    if self._closing:
                        return
                    self._changed.wait()
                request = self._queue.popleft()
            for arm in request.route.shadows:
                self._predict(arm, request)
            with self._changed:
                # Only now: what is being predicted is in memory too.
                self._rows -= request.rows

    def _predict(self, arm: Arm, request: ShadowRequest) -> None:
        route, columns, rows, request_id, time_ns = request
        name = route.deployment.name
        try:
            model = self._cache.peek(arm.version) or self._cache.get(arm.source, LOAD_SECONDS)
            prediction = model.predict(columns, rows)
            self._log.append(
                name, model, request_id, columns, prediction, time_ns, shadow=True, sampling_rate=route.sampling_rate
            )
        except Exception as error:  # noqa: BLE001 - whatever a shadow's model does is no caller's concern; it is told
            self._observer.shadow_failed(name, arm.version, rows, error)
            return
        self._observer.shadow_predicted(rows)
