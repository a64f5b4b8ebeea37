"""What each deployment has done since it was first asked, as the protocol's statistics extension counts it."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True)
class Statistics:
    """Counts of requests and rows; durations are totals in nanoseconds."""

    requests: int = 0
    rows: int = 0
    failures: int = 0
    failure_ns: int = 0
    total_ns: int = 0
    compute_ns: int = 0
    last_ms: int = 0


class StatisticsBook:
    """Statistics by deployment name."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: dict[str, list[int]] = {}

    def succeeded(self, name: str, rows: int, total_ns: int, compute_ns: int, now_ms: int) -> None:
        """Count one answered request; durations in nanoseconds, now in milliseconds since 1970."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None:
                entry = self._entries[name] = [0] * 7
            entry[0] += 1
            entry[1] += rows
            entry[4] += total_ns
            entry[5] += compute_ns
            entry[6] = now_ms

    def failed(self, name: str, total_ns: int) -> None:
        """Count one refused request."""
        with self._lock:
            entry = self._entries.setdefault(name, [0] * 7)
            entry[2] += 1
            entry[3] += total_ns

    def of(self, name: str) -> Statistics:
        """Return what one deployment has done; zeros where nothing was asked."""
        with self._lock:
            entry = list(self._entries.get(name, ()))
        return Statistics(*entry) if entry else Statistics()

    def remove(self, name: str) -> None:
        """Forget a deployment."""
        with self._lock:
            self._entries.pop(name, None)
