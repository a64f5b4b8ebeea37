"""Reads any file into the Parquet of a dataset version."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from ...domain.reading.dialects import WORDS, sniff
from ...domain.reading.formats import format_of
from ...domain.reading.model import Dialect, ReadTable, Reporter
from ..duck import DuckLimits, connect, memory_explained
from .delimited import read_delimited
from .excel import write_sheet
from .json_records import read_json_records
from .parquet import rewrite_parquet
from .spool import spool_text, strip_junk, unpack
from .typing import type_columns
from .writer import describe, write_typed

# Bytes of text shown to the dialect sniffer.
_SNIFFED = 1 << 20


@dataclass(frozen=True)
class _Work:
    """One file on its way in."""

    connection: duckdb.DuckDBPyConnection
    path: Path
    name: str
    sheet: str
    folder: Path
    target: Path
    reporter: Reporter

    @property
    def raw(self) -> Path:
        return self.folder / "raw.parquet"


def read_table(
    path: Path, name: str, target: Path, reporter: Reporter, *, sheet: str = "", limits: DuckLimits | None = None
) -> ReadTable:
    """Read the file into Parquet at target, in bounded memory, and return what it became.

    Raises InvalidArgument with line and reason for a file that is broken or no table, ResourceExhausted for one that
    does not fit in the memory allowed; nothing is dropped silently.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="reading-") as scratch:
        folder = Path(scratch)
        reporter.progress(0.05, "sniff")
        unpacked, compressed = unpack(path, name, folder)
        with unpacked.open("rb") as source:
            format = format_of(source.read(4096), name, compressed=compressed)
        reporter.log(
            "import.sniff", f"'{name}' is {format}{' in gzip' if compressed else ''}, {path.stat().st_size:,} bytes.",
            format=format, bytes=path.stat().st_size,
        )  # fmt: skip
        bounds = limits or DuckLimits()
        with memory_explained(bounds), connect(bounds, folder) as connection:
            work = _Work(connection, unpacked, name, sheet, folder, target, reporter)
            table = _READERS[format](work, format)
    if compressed:
        table = replace(table, dialect={"compression": "gzip", **table.dialect})
    size = target.stat().st_size
    reporter.log(
        "import.convert",
        f"Wrote {table.row_count:,} rows and {len(table.columns)} columns as {size:,} bytes of Parquet.",
        rows=table.row_count, columns=len(table.columns), bytes=size,
    )  # fmt: skip
    return table


def _read_delimited(work: _Work, format: str) -> ReadTable:
    text = spool_text(work.path, work.name, work.folder)
    with text.path.open("rb") as source:
        sample = source.read(_SNIFFED)
    whole = len(sample) < _SNIFFED
    dialect = sniff(sample.decode("utf-8", errors="strict" if whole else "ignore"), whole=whole, tabs=format == "tsv")
    format = "tsv" if dialect.delimiter == "\t" else format
    work.reporter.log(
        "import.sniff",
        f"Read as {text.encoding}, {WORDS[dialect.delimiter]}-separated, decimal '{dialect.decimal}', "
        f"{dialect.width} columns, {'with' if dialect.header else 'without'} header.",
        delimiter=dialect.delimiter, encoding=text.encoding, columns=dialect.width,
    )  # fmt: skip
    path = text.path
    if dialect.junk:
        path, stripped = strip_junk(path, work.folder, dialect.junk)
        work.reporter.log(
            "import.sniff", f"Took stray '{dialect.junk}' off the ends of {stripped:,} lines.", lines=stripped
        )
    described = _described(dialect) | {"encoding": text.encoding}
    return _finish_delimited(work, path, replace(dialect, notes=text.notes + dialect.notes), format, described)


def _read_excel(work: _Work, format: str) -> ReadTable:
    path = work.folder / "sheet.csv"
    dialect, sheet = write_sheet(work.path, work.sheet, path)
    work.reporter.log("import.sniff", f"Read sheet '{sheet}' of {dialect.width} columns.", sheet=sheet)
    described = {"sheet": sheet, "header": str(dialect.header).lower()}
    return _finish_delimited(work, path, dialect, format, described)


def _finish_delimited(work: _Work, path: Path, dialect: Dialect, format: str, described: dict[str, str]) -> ReadTable:
    for note in dialect.notes:
        work.reporter.log("import.sniff", note)
    work.reporter.progress(0.15, "read")
    rows = read_delimited(work.connection, path, dialect, work.raw)
    return _finish(work, dialect.names, rows, dialect.decimal, format, described, dialect.notes)


def _read_json(work: _Work, format: str) -> ReadTable:
    text = spool_text(work.path, work.name, work.folder)
    work.reporter.progress(0.15, "read")
    names, rows, notes = read_json_records(work.connection, text.path, format, work.raw)
    return _finish(work, names, rows, ".", format, {"encoding": text.encoding}, text.notes + notes)


def _read_parquet(work: _Work, format: str) -> ReadTable:
    work.reporter.progress(0.3, "convert")
    columns, rows, notes = rewrite_parquet(work.connection, work.path, work.target)
    for note in notes:
        work.reporter.log("import.convert", note)
    return ReadTable(format, columns, rows, {}, notes)


def _finish(
    work: _Work,
    names: tuple[str, ...],
    rows: int,
    decimal: str,
    format: str,
    described: dict[str, str],
    notes: tuple[str, ...],
) -> ReadTable:
    work.reporter.log("import.read", f"Read {rows:,} rows of {len(names)} columns; no line was refused.", rows=rows)
    work.reporter.progress(0.5, "types")
    typed = type_columns(work.connection, work.raw, names, decimal)
    changed = describe(typed, work.reporter)
    work.reporter.progress(0.7, "convert")
    columns, written, left_out = write_typed(work.connection, work.raw, typed, rows, work.target)
    for note in left_out:
        work.reporter.log("import.convert", note)
    return ReadTable(format, columns, written, described, notes + changed + left_out)


def _described(dialect: Dialect) -> dict[str, str]:
    return {
        "delimiter": dialect.delimiter,
        "decimal": dialect.decimal,
        "quote": dialect.quote,
        "header": str(dialect.header).lower(),
    }


_READERS: dict[str, Callable[[_Work, str], ReadTable]] = {
    "csv": _read_delimited,
    "tsv": _read_delimited,
    "json": _read_json,
    "jsonl": _read_json,
    "excel": _read_excel,
    "parquet": _read_parquet,
}
