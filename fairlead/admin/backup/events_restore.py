"""Putting a backup's events and group positions into an event log."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

from fairlead.admin.backup.events import EventStore, in_batches, read_events
from fairlead.admin.backup.manifest import EventsDump, GroupPosition, TopicDump
from fairlead.admin.backup.progress import Say

Done = Mapping[int, int]


def is_same_log(store: EventStore, dump: EventsDump, topic: TopicDump) -> bool:
    """Return whether a topic of the store is the very one that was backed up, with its events."""
    return bool(dump.cluster) and dump.cluster == store.cluster and store.topics().get(topic.name) == topic.id


def restore_events(store: EventStore, dump: EventsDump, root: Path, say: Say) -> tuple[GroupPosition, ...]:
    """Put the groups where they were, and the events where they are not any more; return the groups' new positions.

    In the very log that was backed up, only the positions are set back. In another, the events are published anew.
    """
    positions: list[GroupPosition] = []
    published = 0
    for topic in dump.topics:
        groups = [group for group in dump.groups if group.topic == topic.name]
        if is_same_log(store, dump, topic):
            positions += groups
            continue
        published += topic.events
        if store.kind == dump.kind == "sqlite":
            _publish_alike(store, topic, root)
            positions += groups
        else:
            positions += _publish_anew(store, topic, groups, root)
    store.set_groups(positions)
    again = "" if published else ", all of them still there"
    say(f"events: {published:,} published{again}; {len(positions)} positions of consumer groups set")
    return tuple(positions)


def _publish_alike(store: EventStore, topic: TopicDump, root: Path) -> None:
    """Give each event the offset that it had."""
    if not topic.events:
        (end,) = topic.ends.values()
        store.begin(topic.name, end + 1)
        return
    # Offsets follow on each other but where retention dropped events while they were copied.
    events = enumerate(read_events(root / topic.file))
    for _, run in itertools.groupby(events, key=lambda found: found[1][1] - found[0]):
        _, (_, first, envelope) = next(run)
        store.begin(topic.name, first)
        for batch in in_batches(itertools.chain([envelope], (found[2] for _, found in run))):
            store.append(topic.name, batch)


def _publish_anew(store: EventStore, topic: TopicDump, groups: list[GroupPosition], root: Path) -> list[GroupPosition]:
    """Publish first what all groups had done, and put them behind it; what some of them had not done follows."""
    store.begin(topic.name, 1)
    if not topic.file:
        return []
    done = _done_by_all(topic, groups)
    path = root / topic.file
    for batch in in_batches(e for partition, offset, e in read_events(path) if offset <= done.get(partition, 0)):
        store.append(topic.name, batch)
    ends = store.ends(topic.name)
    for batch in in_batches(e for partition, offset, e in read_events(path) if offset > done.get(partition, 0)):
        store.append(topic.name, batch)
    return [
        GroupPosition(group, topic.name, partition, end)
        for group in sorted({position.group for position in groups})
        for partition, end in ends.items()
    ]


def _done_by_all(topic: TopicDump, groups: list[GroupPosition]) -> Done:
    """Return the offset of each partition up to which every group had done everything."""
    names = {position.group for position in groups}
    found: dict[int, dict[str, int]] = {int(partition): dict.fromkeys(names, 0) for partition in topic.ends}
    for position in groups:
        found.setdefault(position.partition, dict.fromkeys(names, 0))[position.group] = position.offset
    if not names:
        return {int(partition): end for partition, end in topic.ends.items()}
    return {partition: min(offsets.values()) for partition, offsets in found.items()}
