"""DuckDB connections of bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb


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


def quoted(name: str) -> str:
    """Return an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
