"""Where tables say how far they are in the event log, once a restore has given the events other offsets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from fairlead.admin.backup.manifest import GroupPosition

GATEWAY = "gateway"

# Given the tables of a database, changes their rows.
Finish = Callable[[Connection, Sequence[sa.Table]], None]


def finish_of(database: str, positions: Sequence[GroupPosition]) -> Finish:
    """Return what writes the new positions into a database's tables."""

    def finish(connection: Connection, tables: Sequence[sa.Table]) -> None:
        for table in tables:
            if (database, table.name) == (GATEWAY, "consumed_positions"):
                _renumber(connection, table, positions)
            elif (database, table.name) == ("conductor", "workflows"):
                _relay_again(connection, table)

    return finish


def unchanged(_connection: Connection, _tables: Sequence[sa.Table]) -> None:
    """Change nothing: the events have the offsets that they had."""


def _renumber(connection: Connection, table: sa.Table, positions: Sequence[GroupPosition]) -> None:
    """The gateway's projection is where its consumer group is."""
    had = set(connection.scalars(sa.select(table.c.topic).distinct()))
    connection.execute(sa.delete(table))
    rows = [
        {"topic": position.topic, "partition": position.partition, "event_offset": position.offset}
        for position in positions
        if position.group == GATEWAY and position.topic in had
    ]
    if rows:
        connection.execute(sa.insert(table), rows)


def _relay_again(connection: Connection, table: sa.Table) -> None:
    """A workflow under way passes on what its task told from the beginning; some lines are told twice, none is lost."""
    connection.execute(sa.update(table).values(relayed="{}"))
