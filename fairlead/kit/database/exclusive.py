"""A lock on a database that holds off other processes while libraries change it in their own transactions."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from fairlead.kit.database.failures import RETRY_SECONDS
from fairlead.kit.database.locks import EXCLUSIVE
from fairlead.kit.database.opening import open_database
from fairlead.kit.database.schemas import make_schema, search_path
from fairlead.kit.database.urls import parse_url
from fairlead.kit.errors import Unavailable

# Others may make all tables of MLflow meanwhile, on a machine that is busy.
EXCLUSIVE_WAIT_SECONDS = 300.0
_POLL_SECONDS = 0.2


@contextmanager
def exclusive(url: str, name: str, *, wait_seconds: float = EXCLUSIVE_WAIT_SECONDS) -> Iterator[None]:
    """Wait until nobody else has the lock of this name on the database, and have it meanwhile.

    On PostgreSQL the schema of the URL's search path is made where it is missing. On SQLite the lock is a file beside
    the database, which works on one machine, as SQLite does. It ends with the process that has it. Not re-entrant.
    Raises Unavailable where another process has it for longer than `wait_seconds`.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = Path(parsed.database or "memory").with_suffix(f".{name}.lock")
        with _file_lock(path, wait_seconds):
            yield
        return
    engine = open_database(url, connections=1)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            schema = search_path(connection)
            lock = text("SELECT pg_try_advisory_lock(:key, hashtext(:name))")
            numbers = {"key": EXCLUSIVE, "name": f"{schema}/{name}"}
            _wait(
                lambda: bool(connection.scalar(lock, numbers)),
                wait_seconds,
                f"the lock '{name}' on the schema '{schema}' of the database {parsed.database}",
                f"pg_locks shows it (advisory, classid {EXCLUSIVE})",
            )
            make_schema(connection, schema)
            yield
    finally:
        # The server ends the lock with the connection.
        engine.dispose()


@contextmanager
def _file_lock(path: Path, wait_seconds: float) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:

        def taken() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        _wait(taken, wait_seconds, f"the lock '{path}'", "`fuser` with that path shows it")
        yield


def _wait(taken: Callable[[], bool], seconds: float, lock: str, shown: str) -> None:
    # Asked for again and again: CREATE INDEX CONCURRENTLY, which DBOS' migrations use, waits for all statements
    # that are under way, one that waits for this lock among them, and so for ever where it has the lock.
    give_up = time.monotonic() + seconds
    while not taken():
        if time.monotonic() >= give_up:
            raise Unavailable(
                f"another process has had {lock} for more than {seconds:g} s; {shown}: wait for it or end it, then try "
                "again",
                retry_after=RETRY_SECONDS,
            )
        time.sleep(_POLL_SECONDS)
