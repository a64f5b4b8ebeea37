"""What has to be done so that a topic is as it is declared, and what is left alone on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ..topics import TopicSpec


@dataclass(frozen=True)
class FoundTopic:
    """A topic as the brokers have it; a retention of -1 ms has no end."""

    partitions: int
    retention_ms: int


@dataclass(frozen=True)
class TopicPlan:
    """What to do with a topic, and what it is like afterwards."""

    name: str
    partitions: int
    retention_ms: int
    make: bool
    set_retention: bool
    note: str


def milliseconds(duration: timedelta) -> int:
    """Return a duration in whole milliseconds."""
    return duration // timedelta(milliseconds=1)


def plan_topic(spec: TopicSpec, found: FoundTopic | None) -> TopicPlan:
    """Return what to do with a declared topic; `found` is None where there is none of that name.

    Partitions are never changed: a key's events would from then on be in another partition than those before.
    """
    retention_ms = milliseconds(spec.retention)
    if found is None:
        return TopicPlan(spec.name, spec.partitions, retention_ms, True, False, "made")
    notes = []
    if found.retention_ms != retention_ms:
        notes.append(f"retention was {_days(found.retention_ms)}, is {_days(retention_ms)} now")
    if found.partitions != spec.partitions:
        notes.append(
            f"has {found.partitions} partitions, {spec.partitions} are declared: left as it is, as keys would move"
        )
    return TopicPlan(
        spec.name,
        found.partitions,
        retention_ms,
        make=False,
        set_retention=found.retention_ms != retention_ms,
        note="; ".join(notes) or "was there",
    )


def _days(retention_ms: int) -> str:
    return "without end" if retention_ms < 0 else f"{retention_ms / 86_400_000:g} d"
