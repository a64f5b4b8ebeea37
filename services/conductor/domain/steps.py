"""Which suggested preparation steps are taken without asking."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

LEAST_CONFIDENCE = 0.5


@dataclass(frozen=True)
class Suggested:
    """A step's id and how sure the suggestion is, 0 to 1."""

    id: str
    confidence: float


@dataclass(frozen=True)
class Choice:
    """The ids of the steps to take, and of those that were too unsure to take without asking."""

    taken: tuple[str, ...]
    unsure: tuple[str, ...]


def choose_steps(suggested: Iterable[Suggested], skipped: Collection[str]) -> Choice:
    """Return the steps to take, in order: those more likely right than wrong that a person did not leave out."""
    wanted = [step for step in suggested if step.id not in skipped]
    return Choice(
        taken=tuple(step.id for step in wanted if step.confidence >= LEAST_CONFIDENCE),
        unsure=tuple(step.id for step in wanted if step.confidence < LEAST_CONFIDENCE),
    )
