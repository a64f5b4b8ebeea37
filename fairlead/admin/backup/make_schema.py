"""Making a schema of PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa

from fairlead.kit.database import is_postgresql, open_database


def make_schema(url: str, schema: str) -> None:
    """Make the schema where the URL is of PostgreSQL and has none of that name; "" needs none."""
    if not schema or not is_postgresql(url):
        return
    engine = open_database(url)
    try:
        with engine.begin() as connection:
            connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
    finally:
        engine.dispose()
