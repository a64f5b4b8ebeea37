"""How much memory models take, as measured around their loading, and how much of it is too much."""

from __future__ import annotations

from collections.abc import Callable

SCATTERED_PART = 16
"""Giving memory back takes long where there is much of it, so it is worth it from this part of the bound on."""


class MemoryLedger:
    """Keeps the costs of models within a bound. Its owner holds a lock around every call, and loads one at a time.

    A model's cost is what used_bytes grew by while it was loaded. Before, it is expected to take what the same version
    took the last time, or the mean of what all took.

    The bound is on what the process holds (resident_bytes) beyond what it held before its first model, too, since that
    is what a machine runs out of: pieces the allocator can't give back and buffers of calls take room from models. But
    where the process holds more than its models cost, at most half of the bound counts of the difference: if freeing
    models does not make the process smaller, freeing all of them would not either. For a moment a loading holds more
    than what it leaves (for an ONNX graph four times as much); that is not in the bound.
    """

    def __init__(self, budget: int, resident_bytes: Callable[[], int], used_bytes: Callable[[], int]) -> None:
        """Allow models budget bytes together."""
        self.total = 0
        """Bytes that the models in memory cost."""
        self._budget = budget
        self._resident_bytes = resident_bytes
        self._used_bytes = used_bytes
        self._baseline: int | None = None
        self._before = 0
        self._costs: dict[str, int] = {}
        self._known = 0

    def expected(self, version: str) -> int:
        """Return the bytes that loading a version will take, as far as one can tell."""
        if self._baseline is None:
            self._baseline = self._resident_bytes()
        mean = self._known // len(self._costs) if self._costs else 0
        return self._costs.get(version, mean)

    def begin(self) -> None:
        """Note that a loading begins."""
        self._before = self._used_bytes()

    def add(self) -> int:
        """Return what was taken since begin(), in bytes, and count it in."""
        cost = max(0, self._used_bytes() - self._before)
        self.total += cost
        return cost

    def end(self, version: str) -> int:
        """Return what the loading cost, in bytes, and count it in; the version is expected to cost that again."""
        cost = self.add()
        self._known += cost - self._costs.get(version, 0)
        self._costs[version] = cost
        return cost

    def remove(self, cost: int) -> None:
        """Count a model out, which is freed now: if another is being loaded, not at its expense."""
        self.total -= cost
        self._before -= cost

    def forget(self, version: str) -> None:
        """Forget what a version cost, since it may not come again."""
        self._known -= self._costs.pop(version, 0)

    def excess(self, coming: int = 0) -> int:
        """Return how many bytes of models are too many, with so many to come; none where it is zero or less."""
        planned = self.total + coming
        return max(planned, min(self._held() + coming, planned + self._budget // 2)) - self._budget

    def is_scattered(self, coming: int = 0) -> bool:
        """Return whether the process is well beyond the bound, by memory that is in no model's cost."""
        held = self._held()
        return held + coming > self._budget and held - self.total > self._budget // SCATTERED_PART

    def _held(self) -> int:
        return self._resident_bytes() - (self._baseline or 0)
