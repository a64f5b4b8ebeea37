"""Reads delimited text with DuckDB into raw texts; every line that does not fit refuses the file."""

from __future__ import annotations

from pathlib import Path

import duckdb

from fairlead.kit.errors import InvalidArgument

from ...domain.reading.model import Dialect
from ..duck import literal, parquet_options

# Bytes one record may have.
MAX_LINE = 2_000_000
# Bad lines are counted up to this many.
_COUNTED = 1000
_SHOWN = 3

# What DuckDB calls a bad line, and what a person can do.
_ADVICE = {
    "MISSING COLUMNS": "has fewer values than the header has names",
    "TOO MANY COLUMNS": "has more values than the header has names; quote values that hold the delimiter",
    "UNQUOTED VALUE": "has a quote that is not closed or that closes in the middle of a value",
    "LINE SIZE OVER MAXIMUM": f"is longer than {MAX_LINE:,} bytes; is a quote before it not closed?",
    "INVALID ENCODING": "holds bytes that are no text in the file's encoding",
}


def read_delimited(connection: duckdb.DuckDBPyConnection, path: Path, dialect: Dialect, target: Path) -> int:
    """Write all records as columns c0, c1, ... of texts into a raw Parquet file and return their number.

    Raises InvalidArgument with the count, the first lines and the reason where any line does not fit.
    """
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(dialect.width))
    query = f"""COPY (SELECT * FROM read_csv({literal(str(path))}, columns={{{columns}}}, auto_detect=false,
        header=false, skip={dialect.skip}, delim={literal(dialect.delimiter)}, quote={literal(dialect.quote)},
        escape={literal(dialect.escape)}, strict_mode=true, null_padding=false, max_line_size={MAX_LINE},
        store_rejects=true, rejects_table='bad_lines', rejects_scan='bad_scans', rejects_limit={_COUNTED}))
        TO {literal(str(target))} {parquet_options(dialect.width, "lz4")}"""
    try:
        connection.execute(query)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise InvalidArgument(f"the file can't be read as delimited text: {_first_line(error)}") from error
    _refuse_bad_lines(connection, dialect)
    counted = connection.execute(f"SELECT count(*) FROM read_parquet({literal(str(target))})").fetchone()
    return int(counted[0]) if counted else 0


def _refuse_bad_lines(connection: duckdb.DuckDBPyConnection, dialect: Dialect) -> None:
    count = connection.execute("SELECT count(DISTINCT line) FROM bad_lines").fetchone()
    total = int(count[0]) if count else 0
    if not total:
        return
    rows = connection.execute(
        "SELECT line, any_value(error_type)::VARCHAR, any_value(error_message), any_value(csv_line[1:80]) "
        f"FROM bad_lines GROUP BY line ORDER BY line LIMIT {_SHOWN}"
    ).fetchall()
    shown = "; ".join(
        f"line {line} {_ADVICE.get(kind, kind.lower())} ({_detail(message)}): '{_one_line(text)}'"
        for line, kind, message, text in rows
    )
    many = f"at least {total:,}" if total >= _COUNTED else f"{total:,}"
    raise InvalidArgument(
        f"{many} {'line does' if total == 1 else 'lines do'} not fit a table of {dialect.width} columns, so nothing "
        f"was imported: {shown}. Correct the lines and upload again"
    )


def _detail(message: str) -> str:
    return (
        message.split("\n")[0]
        .rstrip(". ")
        .replace("Expected Number of Columns: ", "expected ")
        .replace(" Found: ", ", found ")
    )


def _one_line(text: str) -> str:
    return (text or "").replace("\r", " ").replace("\n", " ").strip()[:60]


def _first_line(error: duckdb.Error) -> str:
    return str(error).split("\n")[0].removeprefix("Invalid Input Error: ")
