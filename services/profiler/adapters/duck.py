"""DuckDB connections of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from fairlead.kit.errors import ResourceExhausted


@dataclass(frozen=True)
class DuckLimits:
    """What one connection may use."""

    # As DuckDB writes it, such as "600MB"; beyond it work spills to the scratch folder.
    memory: str = "600MB"
    threads: int = 2


def connect(limits: DuckLimits, scratch: Path) -> duckdb.DuckDBPyConnection:
    """Return an in-memory connection that spills into the scratch folder and never reaches the network."""
    return duckdb.connect(
        config={
            "memory_limit": limits.memory,
            "threads": limits.threads,
            "temp_directory": str(scratch),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )


@contextmanager
def memory_explained(limits: DuckLimits) -> Iterator[None]:
    """Turn DuckDB's out-of-memory error into ResourceExhausted that says what to do."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise ResourceExhausted(
            f"the table needs more than the {limits.memory} of memory that one task may use; "
            "raise FAIRLEAD_PROFILER_MEMORY_LIMIT, or upload fewer columns"
        ) from error


def parquet_options(columns: int, compression: str = "zstd") -> str:
    """Return options of COPY; row groups hold about a million cells, so that wide tables don't need more memory."""
    rows = max(2048, min(122_880, 1_000_000 // max(columns, 1)))
    return f"(FORMAT parquet, COMPRESSION {compression}, ROW_GROUP_SIZE {rows})"


def quoted(name: str) -> str:
    """Return an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
