"""Writing what another process may be writing too, in one statement: both databases have ON CONFLICT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql, sqlite

from fairlead.kit.database.locks import ALONE


def insert_new(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row, unless one is there that has its key or a unique value of it; return whether it was inserted."""
    return connection.execute(_insert(connection, table).values(values).on_conflict_do_nothing()).rowcount == 1


def upsert(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row, in place of the one of the same primary key if there is one; values must hold the key."""
    key = [column.name for column in table.primary_key]
    changed = {name: value for name, value in values.items() if name not in key}
    statement = _insert(connection, table).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))


def alone(connection: Connection, name: str) -> None:
    """Wait until no other transaction of this name is under way, and keep others waiting until this one ends.

    For writers whose rows must be seen in the order of their numbers: a sequence of PostgreSQL is handed out before
    the commit. On SQLite a writing transaction is alone anyway.
    """
    if connection.dialect.name != "sqlite":
        key = "hashtext(current_schema() || '/' || :name)"
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ALONE}, {key})"), {"name": name})


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
