"""How much memory models take, as measured around their loading, and how much of it is too much."""

from __future__ import annotations

from collections.abc import Callable

SCATTERED_PART = 16
"""Giving memory back takes long where there is much of it, so it is worth it from this part of the bound on."""


class Reservation:
    """Room kept for a model that is being loaded."""

    __slots__ = ("size", "version")

    def __init__(self, version: str, size: int) -> None:
        self.version, self.size = version, size


class MemoryLedger:
    """Keeps the costs of models within a bound. Its owner holds a lock around every call.

    A model's cost is what used_bytes grew by while it was loaded. Where loadings overlap, each one that ends is charged
    what has grown since the first of them began and was not charged yet: which of them is charged is not exact, their
    sum is. A loading reserves the room it is expected to need: what the same version took before, or the mean of what
    all took so far. What models are planned to take is their costs and these reservations.

    The bound is on what the process holds (resident_bytes) beyond what it held before its first model, too, since that
    is what a machine runs out of: pieces the allocator can't give back and buffers of calls take room from models. But
    where the process holds more than is planned, at most half of the bound counts of the difference: if freeing models
    does not make the process smaller, freeing all of them would not either.
    """

    def __init__(self, budget: int, resident_bytes: Callable[[], int], used_bytes: Callable[[], int]) -> None:
        """Allow models budget bytes together."""
        self.total = 0
        """Bytes that the models in memory cost."""
        self._budget = budget
        self._resident_bytes = resident_bytes
        self._used_bytes = used_bytes
        self._baseline: int | None = None
        self._reservations: set[Reservation] = set()
        self._costs: dict[str, int] = {}
        self._known = 0
        self._group_began = 0
        self._group_charged = 0

    def begin(self, version: str) -> Reservation:
        """Note that a model's loading begins, and return the room kept for it."""
        if self._baseline is None:
            self._baseline = self._resident_bytes()
        if not self._reservations:
            self._group_began, self._group_charged = self._used_bytes(), 0
        mean = self._known // len(self._costs) if self._costs else 0
        reservation = Reservation(version, self._costs.get(version, mean))
        self._reservations.add(reservation)
        return reservation

    def end(self, reservation: Reservation) -> int:
        """Return what the model cost, in bytes, and count it in."""
        self._reservations.remove(reservation)
        cost = max(0, self._used_bytes() - self._group_began - self._group_charged)
        self._group_charged += cost
        self.total += cost
        self._known += cost - self._costs.get(reservation.version, 0)
        self._costs[reservation.version] = cost
        return cost

    def abort(self, reservation: Reservation) -> None:
        """Note that a loading failed."""
        self._reservations.remove(reservation)

    def remove(self, cost: int) -> None:
        """Count a model out, which is about to be freed."""
        self.total -= cost
        self._group_charged -= cost

    def forget(self, version: str) -> None:
        """Forget what a version cost, since it may not come again."""
        self._known -= self._costs.pop(version, 0)

    def excess(self, coming: Reservation | None = None) -> int:
        """Return how many bytes of models are too many; none where it is zero or less.

        coming is a loading that has only begun, so that the process does not hold what it needs yet.
        """
        planned = self._planned()
        return max(planned, min(self._held(coming), planned + self._budget // 2)) - self._budget

    def is_scattered(self, coming: Reservation | None = None) -> bool:
        """Return whether the process is well beyond the bound, by memory that is in no model's cost."""
        held = self._held(coming)
        return held > self._budget and held - self._planned() > self._budget // SCATTERED_PART

    def _planned(self) -> int:
        return self.total + sum(reservation.size for reservation in self._reservations)

    def _held(self, coming: Reservation | None) -> int:
        return self._resident_bytes() - (self._baseline or 0) + (coming.size if coming else 0)
