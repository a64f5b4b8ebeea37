"""Each service's migrations, one after another, on a database with rows in it, of each kind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fairlead.admin.backup.migrations import folders_of
from fairlead.kit.database import known_revisions, migrate, open_database, recorded_revisions, wanted_revisions
from fairlead.kit.events import open_event_log
from fairlead.kit.settings import SERVICES
from fairlead.kit.tasks import MIGRATIONS, TaskStore

MOMENT = datetime(2026, 1, 31, 17, 1, 3, tzinfo=UTC)
# Tables that later revisions have no use for, or have moved.
DROPPED = {"consumed_offsets", "drift_consumed"}


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "revisions"
    folder.mkdir()
    yield folder


def steps_of(service: str) -> list[list[Path]]:
    """Return the revision files in the order that versions of Fairlead came with them: the first of each, the next."""
    by_number: dict[str, list[Path]] = {}
    for folder in folders_of(service):
        for path in folder.glob("*_[0-9][0-9][0-9][0-9].py"):
            by_number.setdefault(path.stem[-4:], []).append(path)
    return [by_number[number] for number in sorted(by_number)]


def value_of(column: sa.Column[Any]) -> object:
    """Return a value that a column of this type takes."""
    if isinstance(column.type, sa.Boolean):
        return False
    if isinstance(column.type, sa.Integer):
        return 7
    if isinstance(column.type, sa.Float | sa.Numeric):
        return 0.5
    if isinstance(column.type, sa.LargeBinary):
        return b"bytes"
    if isinstance(column.type, sa.DateTime):
        return MOMENT
    if isinstance(column.type, sa.JSON):
        return {}
    return "text"


def rows_of(engine: sa.Engine) -> dict[str, dict[str, object]]:
    """Return the one row of each table that has one, by table."""
    tables = sa.MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        found = {table.name: connection.execute(sa.select(table)).mappings().all() for table in tables.sorted_tables}
    return {name: dict(rows[0]) for name, rows in found.items() if rows and name != "alembic_version"}


def fill(engine: sa.Engine) -> None:
    """Put a row into every table."""
    tables = sa.MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for table in tables.sorted_tables:
            if table.name != "alembic_version":
                row = {column.name: value_of(column) for column in table.columns}
                connection.execute(sa.insert(table).values(row))


@pytest.mark.parametrize("service", SERVICES)
def test_rows_of_every_earlier_version_are_found_after_the_upgrade(
    service: str, database_url: str, folders: Path
) -> None:
    engine = open_database(database_url, service)
    steps = steps_of(service)
    for path in steps[0]:
        shutil.copy(path, folders)
    migrate(engine, folders)
    fill(engine)
    before = rows_of(engine)

    for step in steps[1:]:
        for path in step:
            shutil.copy(path, folders)
        migrate(engine, folders)
    migrate(engine, *folders_of(service))

    assert recorded_revisions(engine) == wanted_revisions(*folders_of(service))
    assert len(known_revisions(*folders_of(service))) == sum(map(len, steps))
    after = rows_of(engine)
    assert before
    for name in before.keys() & after.keys():
        # What an upgrade dropped it has moved elsewhere, or has no use for: a test of its own says which.
        kept = before[name].keys() & after[name].keys()
        assert {column: after[name][column] for column in kept} == {column: before[name][column] for column in kept}
    assert before.keys() - after.keys() <= DROPPED
    engine.dispose()


def test_the_gateway_takes_over_how_far_it_had_followed_the_log(database_url: str, folders: Path) -> None:
    engine = open_database(database_url, "gateway")
    (own,) = folders_of("gateway")
    shutil.copy(own / "gateway_0001.py", folders)
    migrate(engine, folders)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO consumed_offsets (topic, event_offset) VALUES ('fairlead.tasks', 42)")

    migrate(engine, own)

    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT topic, partition, event_offset FROM consumed_positions").all()
    assert [tuple(row) for row in kept] == [("fairlead.tasks", 0, 42)]
    engine.dispose()


def test_an_earlier_table_of_tasks_gets_what_finds_untold_changes_without_reading_all(
    database_url: str, folders: Path, tmp_path: Path
) -> None:
    engine = open_database(database_url, "trainer")
    shutil.copy(MIGRATIONS / "tasks_0001.py", folders)
    migrate(engine, folders)
    migrate(engine, MIGRATIONS)
    statements: list[tuple[str, Any]] = []
    events = open_event_log(f"sqlite:///{tmp_path}/events.db", source="trainer")
    sa.event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2:4]))

    TaskStore(engine, events, "trainer").publish_missed()

    (asked,) = [statement for statement in statements if "published_revision" in statement[0]]
    plan = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            # A table as small as a test's is read faster without an index.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        told = str(connection.exec_driver_sql(plan + asked[0], asked[1]).all())
    assert "tasks_untold" in told
    assert "B-TREE" not in told, "sorted by hand"
    events.close()
    engine.dispose()
