"""The tables of a database as they are, for reading all rows and for writing them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.types import UserDefinedType

# Who migrates keeps these; they are made anew with the tables. So are the processes that hold tasks: those of the
# original hold none of the copy's.
BOOKKEEPING = frozenset({"alembic_version", "dbos_migrations", "sqlite_sequence", "task_holders"})


class JsonText(UserDefinedType[str]):
    """JSON on PostgreSQL, read and written as the text it is: a JSON null is not an absent value, for one."""

    cache_ok = True

    def __init__(self, kind: sa.types.TypeEngine[Any]) -> None:
        self.kind = kind

    def get_col_spec(self, **_: object) -> str:
        """Return the column's own type, for casts."""
        return str(self.kind.compile())

    def bind_expression(self, bindvalue: sa.BindParameter[str]) -> sa.ColumnElement[str]:
        """Write a text as JSON."""
        return sa.cast(sa.type_coerce(bindvalue, sa.Text()), self.kind)

    def column_expression(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
        """Read JSON as its text."""
        return sa.cast(column, sa.Text())


def reflect(connection: Connection, schema: str | None) -> list[sa.Table]:
    """Return the tables of a schema but for the bookkeeping, each after those that its foreign keys refer to."""
    metadata = sa.MetaData()
    metadata.reflect(connection, schema=schema, resolve_fks=False)
    tables = [table for table in metadata.sorted_tables if table.name not in BOOKKEEPING]
    for table in tables:
        for column in table.columns:
            column.type = _plain(column.type, connection.dialect.name)
    return tables


def revisions(connection: Connection, schema: str | None) -> tuple[str, ...]:
    """Return the migrations' revisions that a database has, as Alembic or DBOS noted them."""
    names = sa.inspect(connection).get_table_names(schema=schema)
    for table, column in (("alembic_version", "version_num"), ("dbos_migrations", "version")):
        if table in names:
            query: sa.Select[Any] = sa.select(sa.column(column)).select_from(sa.table(table, schema=schema))
            return tuple(sorted(str(value) for value in connection.scalars(query)))
    return ()


def _plain(kind: sa.types.TypeEngine[Any], dialect: str) -> sa.types.TypeEngine[Any]:
    if not isinstance(kind, sa.JSON):
        return kind
    return JsonText(kind) if dialect == "postgresql" else sa.Text()
