"""A part of the result as bytes: text that only needs to be joined, or Arrow for Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from ...domain.models.schema import Kind, Schema
from ...domain.requests.columns import Array
from .result_columns import added_columns, added_fields
from .source import Rows
from .texts import csv_header, csv_rows, csv_rows_after, json_members, json_rows, json_rows_after


class PartWriter(Protocol):
    """Writes rows and what was predicted for them."""

    head: bytes
    """What stands before the parts of a text file."""

    schema: pa.Schema
    """The columns of the result."""

    def write(self, rows: Rows, read: Sequence[Array], output: Array) -> bytes:
        """Return the rows with their predictions; `read` holds the columns that the model read, in its order."""
        ...


class _Writer:
    head = b""

    def __init__(self, source: pa.Schema, model: Schema) -> None:
        self._source = source
        self._model = model
        self._added = added_fields(model, source.names)
        self.schema = pa.schema([*source, *self._added])


class CsvWriter(_Writer):
    """Writes the cells as they stood in a text file, and as text where they came typed."""

    def __init__(self, source: pa.Schema, model: Schema) -> None:
        super().__init__(source, model)
        self.head = csv_header(self.schema.names)

    def write(self, rows: Rows, read: Sequence[Array], output: Array) -> bytes:  # noqa: ARG002 - the port's signature
        """Return CSV records."""
        added = added_columns(self._model, output)
        if rows.lines is not None:
            return csv_rows_after(rows.lines, added)
        return csv_rows([*_columns(rows.table), *added])


class JsonLinesWriter(_Writer):
    """Writes an object a line: the one that stood there with members added, or one made of the columns."""

    def write(self, rows: Rows, read: Sequence[Array], output: Array) -> bytes:
        """Return JSON Lines."""
        added = added_columns(self._model, output)
        if rows.lines is not None:
            return json_rows_after(rows.lines, json_members([field.name for field in self._added], added))
        columns = _typed(rows.table, self._source, self._model, read)
        return json_rows(json_members(self.schema.names, [*columns, *added]))


class ArrowWriter(_Writer):
    """Writes an Arrow stream, from which the Parquet file is made once the parts before it are there."""

    def write(self, rows: Rows, read: Sequence[Array], output: Array) -> bytes:
        """Return an Arrow file of one batch."""
        columns = _typed(rows.table, self._source, self._model, read)
        batch = pa.record_batch([*columns, *added_columns(self._model, output)], schema=self.schema)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
            stream.write_batch(batch)
        written: bytes = sink.getvalue().to_pybytes()
        return written


WRITERS: dict[str, type[CsvWriter] | type[JsonLinesWriter] | type[ArrowWriter]] = {
    "csv": CsvWriter,
    "jsonl": JsonLinesWriter,
    "parquet": ArrowWriter,
}


def _columns(table: pa.Table) -> list[pa.Array]:
    return [_plain(column) for column in table.columns]


def _typed(table: pa.Table, source: pa.Schema, model: Schema, read: Sequence[Array]) -> list[pa.Array]:
    """Return the columns in the types of the source's schema; what the model has read as numbers is not read twice."""
    numbers = {
        column.name: values for column, values in zip(model.inputs, read, strict=True) if column.kind is Kind.NUMBER
    }
    typed = []
    for field in source:
        column = table.column(field.name)
        if column.type != field.type and pa.types.is_float64(field.type) and field.name in numbers:
            typed.append(pa.array(numbers[field.name], from_pandas=True))
        else:
            typed.append(_plain(column).cast(field.type))
    return typed


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """Return one array without a dictionary."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
