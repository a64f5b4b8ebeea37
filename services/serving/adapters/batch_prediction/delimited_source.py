"""Delimited text as rows of texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from fairlead.kit.errors import InvalidArgument
from fairlead.kit.quotes import STRAY_QUOTE

from ...domain.batch_prediction.delimited import end_of_records, stray_quotes
from ...domain.batch_prediction.parts import Fault
from ...domain.models.schema import Schema
from ...domain.requests.columns import Array
from .delimited_header import Header, read_header
from .faults import SHOWN, Faults
from .inputs import require_inputs, text_schema
from .lines import lines_of
from .source import Block, Rows
from .text_blocks import text_blocks

_STAND_IN = "\x1astray quote "
"""Begins a line that stands for a record which can't be read; no text begins so."""


class DelimitedSource:
    """A CSV file, or one delimited by semicolons, tabs or bars, with a header."""

    kind = "csv"

    def __init__(self, path: Path, model: Schema, *, block_bytes: int, whole_lines: bool) -> None:
        """Read the header; with whole_lines the lines themselves are kept where that is as good.

        Raises InvalidArgument for an empty file, a header that can't be read, or that lacks a column the model reads.
        """
        self._path = path
        self._block_bytes = block_bytes
        self._whole_lines = whole_lines
        self.size = path.stat().st_size
        self._header = read_header(path, model.by_name)
        self.delimiter, self.names = self._header.delimiter, self._header.names
        # Of another width than the table, so that the reader reports it at its place.
        self._stand_in = _STAND_IN + (self.delimiter if len(self.names) == 1 else "")
        _require_inputs(model, self._header)
        self.schema = text_schema(model, self.names)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how the file is read, one sentence each."""
        ends = ", lines ending with carriage returns" if self._header.line_end == b"\r" else ""
        encoding, columns = self._header.encoding, len(self.names)
        return (f"Read as {encoding}, delimited by {self.delimiter!r}{ends}, with {columns} columns.",)

    def blocks(self, index: int, start: int) -> Iterator[Block]:
        """Yield blocks of whole records."""
        ends = partial(end_of_records, delimiter=self.delimiter)
        return text_blocks(
            self._path,
            index,
            max(start, self._header.end),
            block_bytes=self._block_bytes,
            end_of_records=ends,
            line_end=self._header.line_end,
        )

    def read(self, block: Block, faults: Faults) -> Rows:
        """Return a block's rows as texts, null for empty ones; lines of another width, or no text, are faults."""
        assert isinstance(block.data, bytes)
        stray = stray_quotes(block.data, self.delimiter)
        data, reasons = _without_stray(block.data, stray, self._stand_in) if stray else (block.data, {})
        encoding = self._header.encoding
        data = data if encoding == "utf-8" else data.decode(encoding, "replace").encode()
        try:
            return self._rows(data, reasons, faults)
        except pa.ArrowInvalid as error:
            raise InvalidArgument(
                f"the file can't be read as delimited text between its bytes {block.start:,} and {block.end:,}: {error}"
            ) from error

    def _rows(self, data: bytes, stray: dict[str, bytes], faults: Faults) -> Rows:
        try:
            rows = self._parsed(data, pa.string(), stray, faults)
            return self._with_lines(rows, data) if self._whole_lines else rows
        except pa.ArrowInvalid:
            # Not all of it is UTF-8.
            faults.clear()
        return self._checked(self._parsed(data, pa.binary(), stray, faults), faults)

    def _with_lines(self, rows: Rows, data: bytes) -> Rows:
        """Return the rows with their lines as they stand, where a line is a record and needs no quotes as CSV."""
        if self.delimiter != "," or b'"' in data:
            return rows
        lines = lines_of(data)
        if len(lines) != rows.records:
            return rows
        return replace(rows, lines=lines if rows.places is None else lines.take(pa.array(rows.places)))

    def _parsed(self, data: bytes, type_: pa.DataType, stray: dict[str, bytes], faults: Faults) -> Rows:
        """Return the rows in this type; stray tells what the lines that stand in for records were.

        Raises ArrowInvalid where a value is not of it.
        """
        if not data.strip(b"\r\n"):
            return Rows(pa.table({name: pa.array([], type_) for name in self.names}), 0)
        refused: list[int] = []

        def refuse(row: pyarrow.csv.InvalidRow) -> str:
            refused.append(row.number - 1)
            if (text := stray.get(row.text)) is not None:
                shown = text.decode(self._header.encoding, "replace")[:SHOWN]
                faults.add(Fault(row.number - 1, "", STRAY_QUOTE, shown))
            else:
                reason = f"has {row.actual_columns} values instead of {row.expected_columns}"
                faults.add(Fault(row.number - 1, "", reason, row.text[:SHOWN]))
            return "error" if faults.is_full else "skip"

        try:
            table = self._table(data, type_, refuse)
        except pa.ArrowInvalid:
            if faults.is_full:
                raise faults.refusal(refused[-1] + 1) from None
            raise
        return _placed(table, refused)

    def _table(self, data: bytes, type_: pa.DataType, refuse: Callable[[pyarrow.csv.InvalidRow], str]) -> pa.Table:
        return pyarrow.csv.read_csv(
            pa.BufferReader(data),
            pyarrow.csv.ReadOptions(
                use_threads=False, block_size=min(len(data) + 1, 2**31 - 1), column_names=list(self.names)
            ),
            pyarrow.csv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=b'"' in data,
                invalid_row_handler=refuse,
                # In a table of one column an empty line is a row.
                ignore_empty_lines=len(self.names) > 1,
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(self.names, type_), null_values=[""], strings_can_be_null=True
            ),
        )

    def _checked(self, read: Rows, faults: Faults) -> Rows:
        """Return the rows that are UTF-8; the others are faults."""
        places = _places(read)
        good = np.ones(read.table.num_rows, bool)
        for name in self.names:
            try:
                read.table.column(name).cast(pa.string())
            except pa.ArrowInvalid:
                for row, value in enumerate(read.table.column(name).to_pylist()):
                    if good[row] and value is not None and not _is_utf8(value):
                        good[row] = False
                        shown = value.decode("utf-8", "replace")[:SHOWN]
                        faults.add(Fault(int(places[row]), name, "is not UTF-8", shown))
                        if faults.is_full:
                            raise faults.refusal(read.records) from None
        texts = read.table.filter(pa.array(good)).cast(pa.schema([(name, pa.string()) for name in self.names]))
        return Rows(texts, read.records, places[good])


def _require_inputs(model: Schema, header: Header) -> None:
    try:
        require_inputs(model, header.names)
    except InvalidArgument as error:
        if header.lines == 1:
            raise
        hint = f"The header goes on over {header.lines:,} lines, in quotes; is one of its quotes not closed?"
        raise InvalidArgument(f"{error.message}. {hint}", violations=error.violations) from None


def _without_stray(data: bytes, stray: list[tuple[int, int]], stand_in: str) -> tuple[bytes, dict[str, bytes]]:
    """Return the text with a line in place of each such record, and what each line stands for."""
    pieces: list[bytes] = []
    held: dict[str, bytes] = {}
    end = 0
    for number, (opened, closed) in enumerate(stray):
        line = f"{stand_in}{number}"
        held[line] = data[opened : min(closed, opened + SHOWN * 4)].rstrip(b"\r\n")
        pieces += [data[end:opened], line.encode(), b"\n"]
        end = closed
    return b"".join([*pieces, data[end:]]), held


def _placed(table: pa.Table, refused: list[int]) -> Rows:
    records = table.num_rows + len(refused)
    if not refused:
        return Rows(table, records)
    return Rows(table, records, np.delete(np.arange(records), refused))


def _places(rows: Rows) -> Array:
    return rows.places if rows.places is not None else np.arange(rows.records)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
