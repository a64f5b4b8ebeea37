"""Which failures of a database pass by themselves."""

from __future__ import annotations

import sqlite3

from sqlalchemy import exc

from fairlead.kit.errors import Unavailable

RETRY_SECONDS = 2.0
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
# SQLSTATE classes: 08 connection, 40 transaction rolled back (deadlock, serialization), 53 out of connections, memory
# or disk, 55P03 lock not available, 57 shut down or cancelled by a time-out, 25006 read-only (a replica, after a
# change of the primary), 58 the server's own system.
_STATES = ("08", "40", "53", "55P03", "57", "25006", "25P03", "58")


def unavailable(error: BaseException) -> Unavailable | None:
    """Return the Unavailable that callers may be told where the database is away or busy, None for other failures."""
    if isinstance(error, exc.TimeoutError):
        return _told("has no connection free")
    if not isinstance(error, exc.DBAPIError) or error.orig is None:
        return None
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        return _told("is busy") if code in _BUSY else None
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return _told("is away or busy") if state.startswith(_STATES) else None
    # Without a state it never came to a server, or the connection broke.
    return _told("is away") if isinstance(error, exc.OperationalError | exc.InterfaceError) else None


def _told(how: str) -> Unavailable:
    return Unavailable(f"the database of the service {how}; try again", retry_after=RETRY_SECONDS)
