"""What has to be done so that a topic is as it is declared, and what is left alone on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ..topics import TopicSpec
from .sizes import MAX_BATCH_BYTES

RETENTION = "retention.ms"
MAX_MESSAGE = "max.message.bytes"
MIN_IN_SYNC = "min.insync.replicas"
# With three replicas one broker may fail: the other two still take events, and none is on one of them only.
SAFE_REPLICAS = 3
SAFE_IN_SYNC = 2


@dataclass(frozen=True)
class FoundTopic:
    """A topic as the brokers have it; a retention of -1 ms has no end."""

    partitions: int
    retention_ms: int
    max_message_bytes: int
    replicas: int
    min_in_sync: int


@dataclass(frozen=True)
class TopicPlan:
    """What a topic is like once `settings` are set, and in words what was done to it and what was not."""

    name: str
    partitions: int
    retention_ms: int
    note: str
    settings: Mapping[str, str] = field(default_factory=dict)


def milliseconds(duration: timedelta) -> int:
    """Return a duration in whole milliseconds."""
    return duration // timedelta(milliseconds=1)


def first_settings(spec: TopicSpec) -> dict[str, str]:
    """Return the settings that a topic is made with; how many replicas it got is known only then."""
    return {RETENTION: str(milliseconds(spec.retention)), MAX_MESSAGE: str(MAX_BATCH_BYTES)}


def plan_topic(spec: TopicSpec, found: FoundTopic, *, made: bool, replication: int = 0) -> TopicPlan:
    """Return what to do with a topic that is there, maybe as it was `made` just now.

    `replication` is the wanted number of replicas, 0 for whatever the brokers gave it. Partitions are never changed: a
    key's events would from then on be in another partition than those before. Replicas are not either: which brokers
    take them is for the operator to say. A larger limit and more replicas in sync than needed stay as they are.
    """
    retention_ms = milliseconds(spec.retention)
    settings: dict[str, str] = {}
    notes = ["made"] if made else []
    if found.retention_ms != retention_ms:
        settings[RETENTION] = str(retention_ms)
        notes.append(f"retention was {_days(found.retention_ms)}, is {_days(retention_ms)} now")
    if found.max_message_bytes < MAX_BATCH_BYTES:
        settings[MAX_MESSAGE] = str(MAX_BATCH_BYTES)
        notes.append(f"{MAX_MESSAGE} was {found.max_message_bytes}, is {MAX_BATCH_BYTES} now")
    if found.replicas >= SAFE_REPLICAS and found.min_in_sync < SAFE_IN_SYNC:
        settings[MIN_IN_SYNC] = str(SAFE_IN_SYNC)
        notes.append(f"{MIN_IN_SYNC} was {found.min_in_sync}, is {SAFE_IN_SYNC} now")
    if found.partitions != spec.partitions:
        notes.append(
            f"has {found.partitions} partitions, {spec.partitions} are declared: left as it is, as keys would move"
        )
    if replication and found.replicas != replication:
        notes.append(
            f"has {found.replicas} replicas, FAIRLEAD_KAFKA_REPLICATION_FACTOR says {replication}: left as it is; "
            "kafka-reassign-partitions.sh changes it"
        )
    return TopicPlan(spec.name, found.partitions, retention_ms, "; ".join(notes) or "was there", settings)


def _days(retention_ms: int) -> str:
    return "without end" if retention_ms < 0 else f"{retention_ms / 86_400_000:g} d"
