"""What each deployment has done since it was first asked, as the protocol's statistics extension counts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

_COUNTS = 8
_LAST = 6


@dataclass(frozen=True)
class Statistics:
    """Counts of requests, rows and runs of the model; durations are totals in nanoseconds."""

    requests: int = 0
    rows: int = 0
    failures: int = 0
    failure_ns: int = 0
    total_ns: int = 0
    compute_ns: int = 0
    last_ms: int = 0
    runs: int = 0
    """Fewer than requests where these were predicted together."""


class StatisticsBook:
    """Statistics by deployment name and the number of the version that answered."""

    def __init__(self, is_known: Callable[[str], bool] = lambda name: True) -> None:  # noqa: ARG005
        """Keep nothing of names that are no deployments' (any more), of which callers can make up any number."""
        self._is_known = is_known
        self._lock = Lock()
        self._entries: dict[str, dict[str, list[int]]] = {}

    def succeeded(
        self, name: str, rows: int, total_ns: int, compute_ns: int, now_ms: int, version: str = "", requests: int = 1
    ) -> None:
        """Count requests that one run of the model answered: their rows and durations (nanoseconds) in all.

        now_ms is in milliseconds since 1970.
        """
        with self._lock:
            entry = self._entry(name, version)
            entry[0] += requests
            entry[1] += rows
            entry[4] += total_ns
            entry[5] += compute_ns
            entry[_LAST] = now_ms
            entry[7] += 1

    def failed(self, name: str, total_ns: int) -> None:
        """Count one refused request, which no version answered."""
        with self._lock:
            entry = self._entry(name, "")
            entry[2] += 1
            entry[3] += total_ns

    def of(self, name: str, *versions: str) -> Statistics:
        """Return what these versions of a deployment have done, all of them when none is named.

        The version "" stands for the requests that none answered.
        """
        sums = [0] * _COUNTS
        with self._lock:
            for version, entry in self._entries.get(name, {}).items():
                if not versions or version in versions:
                    last = max(sums[_LAST], entry[_LAST])
                    sums = [one + other for one, other in zip(sums, entry, strict=True)]
                    sums[_LAST] = last
        return Statistics(*sums)

    def remove(self, name: str) -> None:
        """Forget a deployment."""
        with self._lock:
            self._entries.pop(name, None)

    def _entry(self, name: str, version: str) -> list[int]:
        versions = self._entries.get(name)
        if versions is None:
            versions = {}
            if self._is_known(name):
                self._entries[name] = versions
        entry = versions.get(version)
        if entry is None:
            entry = versions[version] = [0] * _COUNTS
        return entry
