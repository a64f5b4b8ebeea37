"""The words of reading a file: what was found out about it and what it became."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Dialect:
    """How a text table is written."""

    delimiter: str
    quote: str
    escape: str
    # Records before the first data row: titles, the header, a second header; blank lines count.
    skip: int
    # Fields a record has.
    width: int
    names: tuple[str, ...]
    decimal: str = "."
    header: bool = True
    # Junk delimiters of another kind end some lines and are stripped before reading.
    junk: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoredColumn:
    """One column as stored in Parquet."""

    name: str
    # A DuckDB type: BIGINT, DOUBLE, VARCHAR, TIMESTAMP or BOOLEAN.
    type: str


@dataclass(frozen=True)
class ReadTable:
    """What reading a file gave: the stored columns, the rows and how the file was read."""

    format: str
    columns: tuple[StoredColumn, ...]
    row_count: int
    dialect: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Reporter(Protocol):
    """Where a long piece of work says how far it is; a task's context is one."""

    def progress(self, value: float, stage: str = "", resource: str = "") -> None:
        """Say how much is done, from 0 to 1, and in which stage."""

    def log(self, source: str, message: str, *, level: str = "INFO", **meta: object) -> None:
        """Say what was done, with its figures."""
