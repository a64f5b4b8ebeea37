"""SQLite's errors in the words of Fairlead's error tree."""

from __future__ import annotations

import sqlite3

from fairlead.kit.errors import FailedPrecondition, FairleadError, Internal, ResourceExhausted, Unavailable

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_CLOSED_TO_US = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})


def is_locked(error: sqlite3.Error) -> bool:
    """Return True where another writer was in the way and a later attempt may pass."""
    return _primary_code(error) in _LOCKED


def failure_of(error: sqlite3.Error, path: str) -> FairleadError:
    """Return the Fairlead error that says what is wrong with the log at `path` and what to do."""
    code = _primary_code(error)
    if code in _LOCKED:
        return Unavailable(f"The event log {path} is locked by other writers; try again.", retry_after=1.0)
    if code == sqlite3.SQLITE_FULL:
        return ResourceExhausted(f"The disk of the event log {path} is full; free some space.")
    if code in _CLOSED_TO_US:
        return FailedPrecondition(f"The event log {path} can't be opened for writing; check its folder's permissions.")
    if code == sqlite3.SQLITE_NOTADB:
        return FailedPrecondition(f"The file {path} is not an event log; name another file or move it away.")
    return Internal(f"The event log {path} failed: {error}.")


def _primary_code(error: sqlite3.Error) -> int:
    """Return the low byte of the extended result code; 0 where the error did not come from SQLite itself."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
