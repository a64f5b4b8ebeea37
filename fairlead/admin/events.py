"""The event log as its operator sees it: topics, how far consumer groups are, and what they could not use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from fairlead.kit import backends
from fairlead.kit.errors import FailedPrecondition
from fairlead.kit.errors import FairleadError as FairleadError
from fairlead.kit.events import EventLog, topics
from fairlead.kit.events.kafka.options import SCHEME, cluster_of
from fairlead.kit.events.setup import setup as make_topics
from fairlead.kit.settings import KitSettings

if TYPE_CHECKING:
    from fairlead.kit.events.kafka.admin import GroupLag, KafkaAdmin, TopicSize
    from fairlead.kit.events.kafka.topic_plan import TopicPlan


@dataclass(frozen=True)
class DeadLetter:
    """An event that a consumer group could not use, why, and where it was."""

    time: str
    group: str
    reason: str
    id: str
    type: str
    key: str
    partition: str
    offset: str


def place(settings: KitSettings | None = None) -> str:
    """Return in words where the event log is."""
    url = (settings or KitSettings()).events_url
    return f"Kafka at {url.removeprefix(SCHEME)}" if url.startswith(SCHEME) else f"SQLite in {url}"


def setup(settings: KitSettings | None = None) -> list[TopicPlan]:
    """Make the topics that the services use, with their partitions, replicas and retention; safe to repeat.

    Returns what was done with each; [] on SQLite, where topics make themselves. Raises Unavailable, PermissionDenied.
    """
    return make_topics(settings or KitSettings())


def topic_sizes(settings: KitSettings | None = None) -> list[TopicSize]:
    """Return the size of each topic of the services that is there. Raises FailedPrecondition on SQLite."""
    with _admin(settings or KitSettings()) as admin:
        return admin.sizes(spec.name for spec in topics.SPECS)


def group_lags(settings: KitSettings | None = None) -> list[GroupLag]:
    """Return how many events of our topics each group has still to take. Raises FailedPrecondition on SQLite."""
    ours = {spec.name for spec in topics.SPECS}
    with _admin(settings or KitSettings()) as admin:
        return [lag for lag in admin.lags() if lag.topic in ours]


def dead_letters(topic: str, limit: int, settings: KitSettings | None = None) -> list[DeadLetter]:
    """Return the newest events of a topic that consumers rejected, oldest first.

    `topic` is the topic they came from, with or without "fairlead." before it. Raises FailedPrecondition, Unavailable.
    """
    name = topic if topic in topics.ALL else f"fairlead.{topic}"
    if name not in topics.ALL:
        known = ", ".join(each.removeprefix("fairlead.") for each in topics.ALL)
        raise FailedPrecondition(f"There is no topic '{topic}'; name one of {known}.")
    log = backends.event_log(settings or KitSettings(), spool=False)
    try:
        return _newest(log, topics.dead_letter(name), limit)
    finally:
        log.close()


def _newest(log: EventLog, topic: str, limit: int) -> list[DeadLetter]:
    # A dead-letter topic has one partition, and its newest events are those before its end.
    end = log.end_position(topic, "").offset
    events = islice(log.replay(topic, key=None, after=max(0, end - limit)), limit)
    return [
        DeadLetter(
            time=event.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            group=event.headers.get("deadlettergroup", ""),
            reason=event.headers.get("deadletterreason", ""),
            id=event.id,
            type=event.type,
            key=event.key,
            partition=event.headers.get("deadletterpartition", ""),
            offset=event.headers.get("deadletteroffset", ""),
        )
        for event in events
    ]


@contextmanager
def _admin(settings: KitSettings) -> Iterator[KafkaAdmin]:
    if not settings.events_url.startswith(SCHEME):
        raise FailedPrecondition(
            f"The event log is {settings.events_url}, which is not Kafka; set FAIRLEAD_EVENTS_URL to kafka://host:9092."
        )
    from fairlead.kit.events.kafka.admin import kafka_admin

    with kafka_admin(cluster_of(settings.events_url, backends.kafka_options(settings))) as admin:
        yield admin
