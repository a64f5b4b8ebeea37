"""Failures of databases and of S3 in the words of Fairlead's errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from fairlead.kit.database import unavailable
from fairlead.kit.errors import Internal, ResourceExhausted, Unavailable
from fairlead.kit.events.sqlite.failures import is_locked


@contextmanager
def told() -> Iterator[None]:
    """Raise a failure of a database, SQLite or boto3 as one of Fairlead's, in a sentence without a password."""
    try:
        yield
    except DBAPIError as error:
        reason = (str(error.orig).strip().splitlines() or ["?"])[0]
        if unavailable(error) is not None:
            raise Unavailable(f"a database is away or busy: {reason}; begin again") from error
        raise Internal(f"a database refused a statement: {reason}") from error
    except sqlite3.Error as error:
        if is_locked(error):
            raise Unavailable(f"a file of SQLite's is busy: {error}; begin again") from error
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL:
            raise ResourceExhausted(f"a disk is full: {error}; free some space and begin again") from error
        raise Internal(f"SQLite refused a statement: {error}") from error
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("botocore", "boto3"):
            raise
        raise Unavailable(f"S3 failed: {error}") from error
