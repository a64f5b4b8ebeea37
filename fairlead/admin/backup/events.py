"""The event log in a backup: the events that it keeps, and how far each consumer group is.

The groups' positions are read before the databases that consumers write to, the events after all databases: after a
restore a consumer may see an event again, which it knows by its id, and misses none that its tables lack.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from fairlead.admin.backup.errors import Damaged
from fairlead.admin.backup.files import BackupFolder, read_lines
from fairlead.admin.backup.manifest import EventsDump, GroupPosition, TopicDump
from fairlead.admin.backup.progress import Progress, Say
from fairlead.admin.backup.values import decode_row, encode_row
from fairlead.kit.events import Event
from fairlead.kit.events.cloud_events import Envelope, sealed

BATCH_EVENTS = 500
BATCH_BYTES = 8 * 1024 * 1024

# Offsets by partition.
Ends = Mapping[int, int]


class EventStore(Protocol):
    """An event log, as backups see it. Offsets are the port's: from 1; 0 is before the first."""

    kind: str
    cluster: str

    def groups(self) -> tuple[GroupPosition, ...]:
        """Return how far each consumer group is."""
        ...

    def topics(self) -> dict[str, str]:
        """Return the topics, each with an id that no other topic of its name will have ("" where there is none)."""
        ...

    def look_again(self) -> None:
        """Forget what was read of the topics: some may have been made since."""
        ...

    def ends(self, topic: str) -> Ends:
        """Return the newest offset of each partition."""
        ...

    def events(self, topic: str) -> Iterator[Event]:
        """Return what a topic keeps, up to its end as it is now, each partition in order."""
        ...

    def kept(self, topic: str) -> int:
        """Return how many events a topic keeps, about."""
        ...

    def begin(self, topic: str, first: int) -> None:
        """Make a topic where it is missing; where the store can, its next event gets the offset `first`."""
        ...

    def append(self, topic: str, envelopes: Sequence[Envelope]) -> None:
        """Publish events as they are, in order; they are durable when this returns."""
        ...

    def set_groups(self, positions: Sequence[GroupPosition]) -> None:
        """Put consumer groups without members at these positions."""
        ...

    def busy_groups(self) -> tuple[str, ...]:
        """Return the groups that have members."""
        ...

    def clear(self, topic: str) -> None:
        """Remove all events of a topic."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def dump_topics(
    store: EventStore, folder: BackupFolder, groups: tuple[GroupPosition, ...], with_events: bool, say: Say
) -> EventsDump:
    """Write the events of all topics; `groups` was read before."""
    progress = Progress("events", say)
    topics = tuple(
        _dump_topic(store, name, identity, folder, with_events, progress)
        for name, identity in sorted(store.topics().items())
    )
    count = sum(topic.events for topic in topics)
    what = f"{count:,} events of {len(topics)} topics" if with_events else f"positions in {len(topics)} topics"
    say(f"events: {what}, {len(groups)} positions of consumer groups")
    return EventsDump(store.kind, store.cluster, topics, groups)


def _dump_topic(
    store: EventStore, name: str, identity: str, folder: BackupFolder, with_events: bool, progress: Progress
) -> TopicDump:
    ends = dict(store.ends(name))
    if not with_events:
        return TopicDump(name, identity, _told(ends), 0, "")
    path = f"events/{name}.jsonl.zst"
    count = 0
    with folder.lines(path) as lines:
        for event in store.events(name):
            line = encode_row(_row(event))
            lines.write(line)
            progress.add(len(line))
            count += 1
            # Services go on publishing: more may be written than there was when the ends were read.
            ends[event.partition] = max(event.offset, ends.get(event.partition, 0))
    return TopicDump(name, identity, _told(ends), count, path)


def _told(ends: Ends) -> dict[str, int]:
    return {str(partition): end for partition, end in sorted(ends.items())}


def read_events(path: Path) -> Iterator[tuple[int, int, Envelope]]:
    """Return the events of a backup's file with the partition and offset that each had. Raises Damaged."""
    for line in read_lines(path):
        try:
            partition, offset, key, event_id, kind, source, time_us, extensions, payload = decode_row(line)
            envelope = Envelope(key, event_id, kind, source, time_us, json.loads(extensions), payload)
        except ValueError as error:
            raise Damaged(f"{path} holds a line that is no event: {line[:80]!r}") from error
        yield partition, offset, envelope


def in_batches(envelopes: Iterable[Envelope]) -> Iterator[list[Envelope]]:
    """Return envelopes in order, in lists of bounded size."""
    batch: list[Envelope] = []
    size = 0
    for envelope in envelopes:
        batch.append(envelope)
        size += len(envelope.payload)
        if len(batch) >= BATCH_EVENTS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _row(event: Event) -> tuple[object, ...]:
    envelope = sealed(event)
    return (
        event.partition,
        event.offset,
        envelope.key,
        envelope.id,
        envelope.type,
        envelope.source,
        envelope.time_us,
        json.dumps(dict(envelope.extensions)),
        envelope.payload,
    )
