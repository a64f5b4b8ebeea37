"""Where the gateway's tables say how far they are in the event log, which may have given events other offsets."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from fairlead.admin.backup.manifest import GroupPosition

DATABASE = GROUP = "gateway"
TABLE = "consumed_positions"


def renumber(connection: Connection, tables: Sequence[sa.Table], positions: Sequence[GroupPosition]) -> None:
    """Write the positions of the gateway's consumer group in place of those that the tables had."""
    for table in tables:
        if table.name != TABLE:
            continue
        had = set(connection.scalars(sa.select(table.c.topic).distinct()))
        connection.execute(sa.delete(table))
        rows = [
            {"topic": position.topic, "partition": position.partition, "event_offset": position.offset}
            for position in positions
            if position.group == GROUP and position.topic in had
        ]
        if rows:
            connection.execute(sa.insert(table), rows)
