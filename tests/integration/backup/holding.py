"""What a backup holds, whatever kind of database, blob store and log it was made of."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from fairlead.admin.backup import manifest as manifests
from fairlead.admin.backup.files import read_lines
from fairlead.admin.backup.manifest import TableDump
from fairlead.admin.backup.values import decode_row

# A row for each partition, of which Kafka has more; and what restarts at 0 where events get other offsets.
_OTHERWISE = ("gateway", "consumed_positions")
_RESTARTED = ("conductor", "workflows", "relayed")
# DBOS has other columns on each kind of database.
_COUNTED = "conductor-steps"


def contents(backup: Path) -> dict[str, Any]:
    """Return a digest of each table's rows, the number of events by topic, and the digest of each file of a store."""
    manifest = manifests.read(backup)
    found: dict[str, Any] = {}
    for database in manifest.databases:
        for table in database.tables:
            if table.rows and (database.name, table.name) != _OTHERWISE:
                rows = _rows(database.name, table, backup, manifest.artifacts.root)
                found[f"{database.name}.{table.name}"] = table.rows if database.name == _COUNTED else _digest(rows)
    found.update({topic.name: topic.events for topic in manifest.events.topics if topic.events})
    kept = ("blobs/", "folders/", "artifacts/")
    return found | {file.path: file.sha256 for file in manifest.files if file.path.startswith(kept)}


def _rows(database: str, table: TableDump, backup: Path, root: str) -> list[str]:
    """Return the rows in an order that no database chooses."""
    rows = (dict(zip(table.columns, decode_row(line), strict=True)) for line in read_lines(backup / table.file))
    return sorted(
        json.dumps({c: _plain(v, root) for c, v in row.items() if (database, table.name, c) != _RESTARTED})
        for row in rows
    )


def _digest(rows: list[str]) -> tuple[int, str]:
    return len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _plain(value: Any, root: str) -> Any:
    """Return a value as both kinds of database have it."""
    match value:
        case datetime():
            return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat()
        case bool():
            return int(value)
        case float() | Decimal():
            return repr(float(value))
        case bytes():
            return value.hex()
        case UUID():
            return str(value)
        case str():
            return _text(value.replace("\x00", "\N{REPLACEMENT CHARACTER}").replace(root, "root:"))
    return value


def _text(value: str) -> str:
    """PostgreSQL writes JSON in a form of its own."""
    try:
        return json.dumps(json.loads(value), sort_keys=True) if value[:1] in ("{", "[") else value
    except ValueError:
        return value
