"""Writing a database's rows into a backup."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from fairlead.admin.backup.counters import read_counters
from fairlead.admin.backup.files import BackupFolder
from fairlead.admin.backup.manifest import DatabaseDump, TableDump
from fairlead.admin.backup.snapshots import Snapshot
from fairlead.admin.backup.tables import reflect, revisions
from fairlead.admin.backup.values import encode_row

ROWS_AT_A_TIME = 500
# Blobs are named in texts and inside protobuf messages alike.
_BLOB_KEY = re.compile(r"sha256/[0-9a-f]{2}/[0-9a-f]{64}")
_BLOB_KEY_BYTES = re.compile(_BLOB_KEY.pattern.encode())
# Folders are packages of models: a deployment names its own in a column, a model's version in a tag of MLflow's.
_PACKAGE_COLUMN, _PACKAGE_TAG = "package_blob", "fairlead.package_blob"


class NamedBlobs:
    """Collects the keys of blobs and folders that values name."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def look(self, columns: Sequence[str], row: Sequence[Any]) -> None:
        """Note the keys in a row's texts and bytes, and the package that it names."""
        named = dict(zip(columns, row, strict=True))
        if package := named.get(_PACKAGE_COLUMN) or (named.get("key") == _PACKAGE_TAG and named.get("value")):
            self.keys.add(package)
        for value in row:
            if isinstance(value, str):
                if "sha256/" in value:
                    self.keys.update(_BLOB_KEY.findall(value))
            elif isinstance(value, bytes) and b"sha256/" in value:
                self.keys.update(key.decode() for key in _BLOB_KEY_BYTES.findall(value))


def dump_database(
    snapshot: Snapshot, folder: BackupFolder, named: NamedBlobs, say: Callable[[str], None]
) -> DatabaseDump | None:
    """Write all rows of a database and return what was written; None where there is no such database yet."""
    name, connection = snapshot.database.name, snapshot.connection
    if connection is None:
        say(f"{name}: not there yet")
        return None
    tables = reflect(connection, snapshot.schema)
    dumps = tuple(_dump_table(connection, table, f"databases/{name}/{table.name}.jsonl.zst", folder, named)
                  for table in tables)  # fmt: skip
    dump = DatabaseDump(
        name=name,
        dialect=connection.dialect.name,
        revisions=revisions(connection, snapshot.schema),
        tables=dumps,
        counters=read_counters(connection, tables),
    )
    say(f"{name}: {dump.rows:,} rows of {len(dumps)} tables")
    return dump


def _dump_table(
    connection: Connection, table: sa.Table, path: str, folder: BackupFolder, named: NamedBlobs
) -> TableDump:
    query = sa.select(table).order_by(*table.primary_key.columns)
    columns = tuple(column.name for column in table.columns)
    count = 0
    # The server, too, hands the rows over by and by.
    by_and_by = {"yield_per": ROWS_AT_A_TIME}
    with folder.lines(path) as lines, connection.execute(query, execution_options=by_and_by) as rows:
        for row in rows:
            named.look(columns, row)
            lines.write(encode_row(row))
            count += 1
    return TableDump(table.name, columns, count, path)
