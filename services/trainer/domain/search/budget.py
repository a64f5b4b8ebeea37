"""The wall-clock budget of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Budget:
    """Seconds that a run may take, counted by an injected monotonic clock from the moment this is made.

    `spent` is what an interrupted attempt already used.
    """

    seconds: float
    clock: Callable[[], float]
    spent: float = 0.0
    started: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "started", self.clock())

    def elapsed(self) -> float:
        """Seconds used, with those of earlier attempts."""
        return self.spent + self.clock() - self.started

    def remaining(self) -> float:
        """Seconds left; negative once it is used up."""
        return self.seconds - self.elapsed()
