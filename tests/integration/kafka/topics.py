"""Topics for the tests of this folder, and what they say."""

from __future__ import annotations

from collections.abc import Iterable

from kafka.admin import KafkaAdminClient

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import Draft, Event, EventLog


def make_topic(bootstrap: str, name: str, partitions: int = 3, **configs: str) -> str:
    """Make a topic and return its name once it can be used."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    wanted = {"num_partitions": partitions, "configs": {key.replace("_", "."): value for key, value in configs.items()}}
    admin.create_topics({name: wanted}, wait_for_metadata=True)
    admin.close()
    return name


def publish(log: EventLog, topic: str, key: str, *numbers: int) -> None:
    """Publish numbers under a key, each with an id of its own."""
    log.publish_many(topic, [Draft(key, AuditEntry(action=str(n)), f"{key}-{n}") for n in numbers])


def numbers(events: Iterable[Event], key: str) -> list[int]:
    """Return the numbers of a key, each where it first came: consumers go by ids."""
    found: dict[str, int] = {}
    for event in events:
        if event.key == key:
            found.setdefault(event.id, int(event.unpack(AuditEntry).action))
    return list(found.values())
