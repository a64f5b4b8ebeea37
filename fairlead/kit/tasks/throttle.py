"""Lets a stream of values through at a bounded pace, without ever losing the last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass
class _Key(Generic[V]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    due: float = 0.0
    held: V | None = None
    timer: threading.Timer | None = None


class Throttle(Generic[V]):
    """Sends at most one value per key and interval; the newest that was held back follows when its time has come."""

    def __init__(self, interval: float, send: Callable[[str, V], None]) -> None:
        self._interval = interval
        self._send = send
        self._keys: dict[str, _Key[V]] = {}
        self._lock = threading.Lock()

    def offer(self, key: str, value: V, *, urgent: bool = False) -> None:
        """Send the value now where the pace allows or it is urgent; else hold it, in place of one held before."""
        state = self._state(key)
        with state.lock:
            wait = state.due - time.monotonic()
            if wait <= 0 or urgent:
                self._send_now(key, state, value)
                return
            state.held = value
            if state.timer is None:
                state.timer = threading.Timer(wait, self.flush, [key])
                state.timer.daemon = True
                state.timer.start()

    def flush(self, key: str) -> None:
        """Send what is held back of a key, if anything."""
        state = self._state(key)
        with state.lock:
            if state.held is not None:
                self._send_now(key, state, state.held)

    def close(self) -> None:
        """Send what is held back of every key; returns once nothing is being sent any more."""
        with self._lock:
            keys = list(self._keys)
        for key in keys:
            self.flush(key)

    def forget(self, key: str) -> None:
        """Drop what is held back of a key, and the key."""
        with self._lock:
            state = self._keys.pop(key, None)
        if state is not None:
            with state.lock:
                self._clear(state)

    def _state(self, key: str) -> _Key[V]:
        with self._lock:
            return self._keys.setdefault(key, _Key())

    def _send_now(self, key: str, state: _Key[V], value: V) -> None:
        self._clear(state)
        state.due = time.monotonic() + self._interval
        self._send(key, value)

    def _clear(self, state: _Key[V]) -> None:
        state.held = None
        if state.timer is not None:
            state.timer.cancel()
            state.timer = None
