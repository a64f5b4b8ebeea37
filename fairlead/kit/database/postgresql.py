"""PostgreSQL through psycopg 3, which is imported by the first connection only."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy import URL, Engine, ExceptionContext, QueuePool, event

from fairlead.kit.database.urls import options_of, with_search_path

POOL_TIMEOUT_SECONDS = 10.0
# Connections that are kept open once they are made; those beyond are closed after use.
_KEPT = 5
_RECYCLE_SECONDS = 1800
_CONNECT_SECONDS = 5

# Each can be set otherwise by `options` in the URL. A transaction waits for a lock as long as on SQLite; one whose
# process hangs or was cut off must not hold its locks for ever.
_OPTIONS = {
    "timezone": "UTC",
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "120s",
}
# libpq's: a server that was cut off, and never says so, is noticed within half a minute.
_NETWORK = {
    "connect_timeout": _CONNECT_SECONDS,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def open_postgresql(url: URL, schema: str, connections: int) -> Engine:
    """Return an engine of at most `connections` connections, whose tables are in the schema ("": the server's way)."""
    engine = sqlalchemy.create_engine(
        url,
        connect_args=_connect_arguments(url, schema),
        poolclass=QueuePool,
        pool_size=min(_KEPT, connections),
        max_overflow=max(connections - _KEPT, 0),
        pool_timeout=POOL_TIMEOUT_SECONDS,
        # A connection that a restart of the server has broken is replaced before it is used.
        pool_pre_ping=True,
        pool_recycle=_RECYCLE_SECONDS,
        # Writing is INSERT, UPDATE and single transactions; see the decision on PostgreSQL for what needs more.
        isolation_level="READ COMMITTED",
        # Errors are logged, and rows are nobody's business there.
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "handle_error", _leave_out_detail)
    return engine


def _connect_arguments(url: URL, schema: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {**_NETWORK, "application_name": f"fairlead-{schema}" if schema else "fairlead"}
    arguments = {name: value for name, value in arguments.items() if name not in url.query}
    ours = " ".join(f"-c{name}={value}" for name, value in _OPTIONS.items())
    options = f"{ours} {options_of(url)}".strip()
    return arguments | {"options": with_search_path(options, schema) if schema else options}


def _leave_out_detail(context: ExceptionContext) -> None:
    """The server's DETAIL of a constraint that was broken quotes the row; the first line names the constraint."""
    original, error = context.original_exception, context.sqlalchemy_exception
    diagnostics = getattr(original, "diag", None)
    if diagnostics is None or not diagnostics.message_detail:
        return
    if error is not None:
        error.args = (str(error.args[0]).replace(str(original), diagnostics.message_primary), *error.args[1:])
    original.args = (diagnostics.message_primary, *original.args[1:])


def _prepare(connection: Any, _record: object) -> None:
    from psycopg.types.string import StrDumper

    class TextDumper(StrDumper):
        """Text has no NUL on PostgreSQL, and what users send may: it becomes the replacement character."""

        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\x00", "\N{REPLACEMENT CHARACTER}") if "\x00" in obj else obj)

    connection.adapters.register_dumper(str, TextDumper)
