"""Which model families a run tries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SECONDS_PER_FAMILY = 3.0
FEWEST = 2


@dataclass(frozen=True)
class Candidate:
    """A suggested family and how sure the suggestion is, 0 to 1."""

    family: str
    confidence: float


def choose_families(suggested: Sequence[Candidate], wanted: Sequence[str], budget_seconds: float) -> tuple[str, ...]:
    """Return the wanted families, or else the surest ones that the budget has time for, at least two."""
    if wanted:
        return tuple(wanted)
    room = max(FEWEST, int(budget_seconds // SECONDS_PER_FAMILY))
    ranked = sorted(suggested, key=lambda candidate: -candidate.confidence)
    return tuple(dict.fromkeys(candidate.family for candidate in ranked))[:room]
