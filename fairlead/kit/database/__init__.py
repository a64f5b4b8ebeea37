"""Opening a database and bringing its tables up to date; SQLite on one machine, PostgreSQL in a cluster."""

from fairlead.kit.database.columns import UtcDateTime
from fairlead.kit.database.exclusive import exclusive
from fairlead.kit.database.failures import unavailable
from fairlead.kit.database.migration import known_revisions, migrate, recorded_revisions, wanted_revisions
from fairlead.kit.database.opening import open_database
from fairlead.kit.database.urls import is_postgresql, parse_url, schema_url
from fairlead.kit.database.writing import alone, insert_new, upsert

__all__ = [
    "UtcDateTime",
    "alone",
    "exclusive",
    "insert_new",
    "is_postgresql",
    "known_revisions",
    "migrate",
    "open_database",
    "parse_url",
    "recorded_revisions",
    "schema_url",
    "unavailable",
    "upsert",
    "wanted_revisions",
]
