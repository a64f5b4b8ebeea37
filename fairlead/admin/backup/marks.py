"""The mark of a restore that is under way: what it had begun, a later one may begin again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa

from fairlead.kit.database import open_database
from fairlead.up.home import RESTORE_MARK

# Beside the services' schemas: the machine that restores may lose its home, the database stays.
SCHEMA = "fairlead_restore"
_TABLE = sa.Table("under_way", sa.MetaData(schema=SCHEMA), sa.Column("backup", sa.Text), sa.Column("started", sa.Text))


@dataclass(frozen=True)
class Mark:
    """Which backup is being restored, and since when."""

    backup: str
    started: str


class Marks:
    """The mark below home and, where the services share a PostgreSQL, in it."""

    def __init__(self, home: Path, database_url: str) -> None:
        self._path = home / RESTORE_MARK
        self._engine = open_database(database_url) if database_url else None

    def find(self) -> Mark | None:
        """Return the mark of a restore that did not end, None where there was none."""
        if self._engine is not None and sa.inspect(self._engine).has_table(_TABLE.name, schema=SCHEMA):
            with self._engine.connect() as connection:
                row = connection.execute(sa.select(_TABLE)).first()
            if row is not None:
                return Mark(row.backup, row.started)
        if self._path.exists():
            return Mark(**json.loads(self._path.read_text(encoding="utf-8")))
        return None

    def put(self, mark: Mark) -> None:
        """Mark the target."""
        draft = self._path.with_suffix(".part")
        draft.write_text(json.dumps(asdict(mark)), encoding="utf-8")
        draft.replace(self._path)
        if self._engine is not None:
            with self._engine.begin() as connection:
                connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
                _TABLE.create(connection, checkfirst=True)
                connection.execute(sa.delete(_TABLE))
                connection.execute(sa.insert(_TABLE).values(asdict(mark)))

    def remove(self) -> None:
        """Take the mark away: the target is whole."""
        if self._engine is not None:
            with self._engine.begin() as connection:
                connection.execute(sa.schema.DropSchema(SCHEMA, cascade=True, if_exists=True))
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the connections."""
        if self._engine is not None:
            self._engine.dispose()
