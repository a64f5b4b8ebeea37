"""Predictions of shadows: after the answer, by a thread of their own, from a queue that is bounded."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from typing import NamedTuple, Protocol

from fairlead.kit.errors import Unavailable

from ..models.cache import CacheState
from ..models.model import Model
from ..prediction_log import PredictionLog
from ..requests.columns import Columns
from .catalog import Catalog
from .route import Arm, Route

REQUESTS = 1024
ROWS = 65_536
BYTES = 64 * 1024 * 1024
LOAD_SECONDS = 60.0
LOOK_SECONDS = 0.25
"""A shadow's model is waited for in steps of this, so that closing need not wait for it."""
CLOSE_SECONDS = 2.0
"""How long closing goes on predicting what waits."""
_SAMPLED = 64
_TEXT_BYTES = 56
"""Of a text of Python's, beside its characters."""


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
        """Count rows that a shadow did not predict, since too many waited, or the server ended."""

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
        bytes: int = BYTES,
        close_seconds: float = CLOSE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Let no more than so many requests, rows and bytes of columns wait. clock returns seconds."""
        self._cache = catalog.cache
        self._log = log
        self._observer = observer
        self._most_requests = requests
        self._most_rows = rows
        self._most_bytes = bytes
        self._close_seconds = close_seconds
        self._clock = clock
        self._queue: deque[tuple[ShadowRequest, int]] = deque()
        self._rows = 0
        self._bytes = 0
        self._closing = False
        self._closed_at = 0.0
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="shadows", daemon=True)
        self._thread.start()

    def offer(self, request: ShadowRequest) -> None:
        """Predict a request later on; where too many wait, drop and count it. Returns at once."""
        size = bytes_of(request.columns)
        with self._changed:
            # One that is larger than all that may wait is taken where nothing waits.
            full = (
                len(self._queue) >= self._most_requests
                or self._rows + request.rows > self._most_rows
                or self._bytes + size > self._most_bytes
            )
            if not self._closing and (not full or (not self._queue and self._most_requests)):
                self._queue.append((request, size))
                self._rows += request.rows
                self._bytes += size
                self._changed.notify()
                return
        self._drop(request)

    def close(self) -> None:
        """Predict what waits for a moment; drop and count the rest, and what waits for a model to be loaded."""
        with self._changed:
            self._closing = True
            self._closed_at = self._clock()
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue:
                    if self._closing:
                        return
                    self._changed.wait()
                request, size = self._queue.popleft()
            for arm in request.route.shadows:
                self._predict(arm, request)
            with self._changed:
                # Only now: what is being predicted is in memory too.
                self._rows -= request.rows
                self._bytes -= size

    def _predict(self, arm: Arm, request: ShadowRequest) -> None:
        route, columns, rows, request_id, time_ns = request
        name = route.deployment.name
        try:
            model = self._model(arm)
            if model is None:
                self._observer.shadow_dropped(rows)
                return
            prediction = model.predict(columns, rows)
            self._log.append(
                name, model, request_id, columns, prediction, time_ns, shadow=True, sampling_rate=route.sampling_rate
            )
        except Exception as error:  # noqa: BLE001 - whatever a shadow's model does is no caller's concern; it is told
            self._observer.shadow_failed(name, arm.version, rows, error)
            return
        self._observer.shadow_predicted(rows)

    def _model(self, arm: Arm) -> Model | None:
        """Return the shadow's model once it is loaded; None where the server ends before that. Raises what loading
        raises, or Unavailable where it takes too long.
        """
        if self._closing and self._clock() - self._closed_at >= self._close_seconds:
            return None
        until = self._clock() + LOAD_SECONDS
        while True:
            model = self._cache.peek(arm.version)
            if model is not None:
                return model
            if self._closing:
                return None
            try:
                return self._cache.get(arm.source, LOOK_SECONDS)
            except Unavailable:
                if self._cache.state(arm.version).state is not CacheState.LOADING or self._clock() >= until:
                    raise

    def _drop(self, request: ShadowRequest) -> None:
        self._observer.shadow_dropped(request.rows * len(request.route.shadows))


def bytes_of(columns: Columns) -> int:
    """Return about how much memory columns take; of many texts a sample is measured, as callers wait for this."""
    size = 0
    for column in columns:
        size += column.nbytes
        if column.dtype == object:
            sample = column[:: max(1, len(column) // _SAMPLED)]
            characters = sum(len(text) for text in sample)
            size += _TEXT_BYTES * len(column) + characters * len(column) // max(1, len(sample))
    return size
