"""Events that services have accepted and that wait on local disk for Kafka: their spools below home.

They are read once the databases stand still, so that what a row says is published is there, and before the event log:
what is published from there meanwhile is found in the log.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from fairlead.admin.backup.events import EventStore, in_batches
from fairlead.admin.backup.files import BackupFolder, read_lines
from fairlead.admin.backup.manifest import WaitingDump
from fairlead.admin.backup.progress import Say
from fairlead.admin.backup.values import decode_row, encode_row
from fairlead.kit.events.cloud_events import Envelope

FOLDER = "waiting"
_QUEUE = "SELECT topic, key, id, type, source, time_us, extensions, payload FROM waiting ORDER BY sequence"


def copy_out(spools: Path, folder: BackupFolder, say: Say) -> tuple[WaitingDump, ...]:
    """Write what waits in each spool below a folder."""
    dumps: list[WaitingDump] = []
    for spool in sorted(spools.glob("*.db")):
        path = f"{FOLDER}/{spool.stem}.jsonl.zst"
        count = 0
        with folder.lines(path) as lines:
            for row in _rows(spool):
                lines.write(encode_row(row))
                count += 1
        dumps.append(WaitingDump(path, count))
    if count := sum(dump.events for dump in dumps):
        say(f"events: {count:,} more that wait for Kafka")
    return tuple(dumps)


def copy_in(store: EventStore, root: Path, dumps: tuple[WaitingDump, ...]) -> int:
    """Publish what waited, in order, and return how many events."""
    for dump in dumps:
        for topic, events in itertools.groupby(_read(root / dump.file), key=lambda found: found[0]):
            for batch in in_batches(envelope for _, envelope in events):
                store.append(topic, batch)
    return sum(dump.events for dump in dumps)


def _read(path: Path) -> Iterator[tuple[str, Envelope]]:
    for line in read_lines(path):
        topic, key, event_id, kind, source, time_us, extensions, payload = decode_row(line)
        yield topic, Envelope(key, event_id, kind, source, time_us, json.loads(extensions), payload)


def _rows(spool: Path) -> Iterator[Sequence[Any]]:
    with closing(sqlite3.connect(f"file:{spool}?mode=ro", uri=True, isolation_level=None, timeout=30.0)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'waiting'").fetchone():
            yield from connection.execute(_QUEUE)
