"""The splits of a deployment's traffic, one after another.

An experiment is the time in which the same versions take part, in the same roles; a change of shares alone begins a new
split within it. Arms are kept by split and compared within it: if shares move while the traffic gets harder, a version
that had more of the later traffic would look worse than it is (Simpson's paradox).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Target:
    """A version's part; a shadow's answers reach no caller."""

    model_version: str
    percent: float
    shadow: bool = False


@dataclass(frozen=True)
class Split:
    """Targets, the champion first, since a time; numbers rise from 1 within the deployment."""

    number: int
    experiment: int
    begin_time: datetime
    targets: tuple[Target, ...]

    @property
    def roles(self) -> frozenset[tuple[str, bool]]:
        """Return who takes part, and whether as a shadow."""
        return frozenset((target.model_version, target.shadow) for target in self.targets)


def next_split(splits: Sequence[Split], targets: tuple[Target, ...], time: datetime) -> Split | None:
    """Return the split that begins with these targets, or None where nothing changed or the news is old."""
    if not splits:
        return Split(1, 1, time, targets)
    newest = splits[-1]
    if targets == newest.targets or time < newest.begin_time:
        return None
    begun = Split(newest.number + 1, newest.experiment, time, targets)
    return begun if begun.roles == newest.roles else Split(begun.number, newest.experiment + 1, time, targets)


def split_of(splits: Sequence[Split], model_version: str, shadow: bool, time: datetime) -> Split | None:
    """Return the split in which a version answered at a time: the newest until then that it takes part in.

    Workers follow a change within seconds and clocks differ by less, so one that begins later will do where none is
    before. None for a version that is in no split.
    """
    mine = [split for split in splits if (model_version, shadow) in split.roles]
    return next((split for split in reversed(mine) if split.begin_time <= time), mine[0] if mine else None)
