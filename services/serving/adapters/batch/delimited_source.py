"""Delimited text as rows of texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from fairlead.kit.errors import InvalidArgument

from ...domain.batches.delimited import delimiter_of, end_of_first_record, end_of_records, ends_in_quotes, names_of
from ...domain.batches.parts import Fault
from ...domain.models.schema import Schema
from .inputs import require_inputs, text_schema
from .lines import lines_of
from .source import Block, Rows
from .text_blocks import text_blocks

SAMPLE_BYTES = 1 << 20
_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SHOWN = 200


class DelimitedSource:
    """A CSV file, or one delimited by semicolons, tabs or bars, with a header."""

    kind = "csv"

    def __init__(self, path: Path, model: Schema, *, block_bytes: int, whole_lines: bool) -> None:
        """Read the header; with whole_lines the lines themselves are kept where that is as good.

        Raises InvalidArgument for an empty file, or one that lacks a column the model reads."""
        self._path = path
        self._block_bytes = block_bytes
        self._whole_lines = whole_lines
        self.size = path.stat().st_size
        with path.open("rb") as file:
            sample = file.read(SAMPLE_BYTES)
        self._encoding = _encoding_of(sample)
        mark = len(_MARK) if sample.startswith(_MARK) else 0
        # In quotes or not, no header's names need more than the line to tell what delimits them.
        line = sample[mark:].lstrip(b"\r\n").split(b"\n", 1)[0]
        self.delimiter = delimiter_of(_text(line, self._encoding), model.by_name)
        self._start = mark + end_of_first_record(sample[mark:], self.delimiter)
        self.names = names_of(_text(sample[mark : self._start], self._encoding).strip("\r\n"), self.delimiter)
        if not self.names:
            raise InvalidArgument("the file is empty; send one with a header line and rows")
        require_inputs(model, self.names)
        self.schema = text_schema(model, self.names)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how the file is read, one sentence each."""
        return (f"Read as {self._encoding}, delimited by {self.delimiter!r}, with {len(self.names)} columns.",)

    def blocks(self, index: int, start: int) -> Iterator[Block]:
        """Yield blocks of whole records."""
        ends = partial(end_of_records, delimiter=self.delimiter)
        return text_blocks(
            self._path, index, max(start, self._start), block_bytes=self._block_bytes, end_of_records=ends
        )

    def read(self, block: Block) -> Rows:
        """Return a block's rows as texts, null for empty ones; lines of another width, or no text, are faults."""
        assert isinstance(block.data, bytes)
        data = block.data if self._encoding == "utf-8" else block.data.decode(self._encoding, "replace").encode()
        try:
            rows = self._rows(data)
        except pa.ArrowInvalid as error:
            raise InvalidArgument(
                f"the file can't be read as delimited text between its bytes {block.start:,} and {block.end:,}: {error}"
            ) from error
        # Only the last record of a file can be open.
        return _without_last(rows) if block.end == self.size and ends_in_quotes(data, self.delimiter) else rows

    def _rows(self, data: bytes) -> Rows:
        faults: list[Fault] = []
        try:
            rows = _placed(self._parsed(data, pa.string(), faults), faults)
            return self._with_lines(rows, data) if self._whole_lines else rows
        except pa.ArrowInvalid:
            # Not all of it is UTF-8.
            faults.clear()
        return self._checked(self._parsed(data, pa.binary(), faults), faults)

    def _with_lines(self, rows: Rows, data: bytes) -> Rows:
        """Return the rows with their lines as they stand, where a line is a record and needs no quotes as CSV."""
        if self.delimiter != "," or b'"' in data:
            return rows
        lines = lines_of(data)
        if len(lines) != rows.records:
            return rows
        return replace(rows, lines=lines if rows.places is None else lines.take(pa.array(rows.places, pa.int64())))

    def _parsed(self, data: bytes, type_: pa.DataType, faults: list[Fault]) -> pa.Table:
        if not data.strip(b"\r\n"):
            return pa.table({name: pa.array([], type_) for name in self.names})

        def refuse(row: pyarrow.csv.InvalidRow) -> str:
            reason = f"has {row.actual_columns} values instead of {row.expected_columns}"
            faults.append(Fault(row.number - 1, "", reason, row.text[:_SHOWN]))
            return "skip"

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

    def _checked(self, table: pa.Table, faults: list[Fault]) -> Rows:
        """Return the rows that are UTF-8; the others are faults."""
        read = _placed(table, faults)
        places = read.places or list(range(table.num_rows))
        bad: dict[int, Fault] = {}
        for name in self.names:
            try:
                table.column(name).cast(pa.string())
            except pa.ArrowInvalid:
                for row, value in enumerate(table.column(name).to_pylist()):
                    if value is not None and not _is_utf8(value):
                        shown = value.decode("utf-8", "replace")[:_SHOWN]
                        bad.setdefault(row, Fault(places[row], name, "is not UTF-8", shown))
        kept = [row for row in range(table.num_rows) if row not in bad]
        texts = table.take(pa.array(kept, pa.int64())).cast(pa.schema([(name, pa.string()) for name in self.names]))
        return Rows(texts, read.records, [*faults, *bad.values()], [places[row] for row in kept])


def _without_last(rows: Rows) -> Rows:
    """Return rows without their last record, which is a fault instead; the rows behind its quote may be in it."""
    last = rows.records - 1
    places = rows.places if rows.places is not None else list(range(rows.records))
    if last not in places:
        return rows
    shown = next((text for text in reversed(rows.table.slice(len(places) - 1).to_pylist()[0].values()) if text), "")
    fault = Fault(last, "", "has a quote that is not closed", shown[:_SHOWN])
    lines = rows.lines.slice(0, len(places) - 1) if rows.lines is not None else None
    return Rows(rows.table.slice(0, len(places) - 1), rows.records, [*rows.faults, fault], places[:-1], lines)


def _placed(table: pa.Table, faults: list[Fault]) -> Rows:
    records = table.num_rows + len(faults)
    if not faults:
        return Rows(table, records, faults)
    refused = {fault.record for fault in faults}
    return Rows(table, records, faults, [place for place in range(records) if place not in refused])


def _encoding_of(sample: bytes) -> str:
    if sample.startswith(_WIDE_MARKS):
        raise InvalidArgument("the file is UTF-16; save it as UTF-8 and send it again")
    try:
        # The sample may end within a letter.
        sample[: len(sample) - 4 if len(sample) == SAMPLE_BYTES else None].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 8 or len(sample) < SAMPLE_BYTES:
            return "cp1252"
    return "utf-8"


def _text(data: bytes, encoding: str) -> str:
    return data.decode(encoding, "replace")


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
