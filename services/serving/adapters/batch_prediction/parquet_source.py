"""A Parquet file as blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from fairlead.kit.errors import InvalidArgument

from ...domain.models.schema import Kind, Schema
from .faults import Faults
from .inputs import require_inputs
from .source import Block, Rows

BUFFER_BYTES = 1 << 20
MOST_ROWS = 131_072
BATCH_ROWS = 8192
FEWEST_ROWS = 64
SAMPLE_ROWS = 1024
_OFFSET_BYTES = 4


class ParquetSource:
    """A Parquet file, read a stretch of rows at a time, however large its row groups are."""

    kind = "parquet"

    def __init__(self, path: Path, model: Schema, *, block_bytes: int) -> None:
        """Read the footer. Raises InvalidArgument for a broken file, or one that lacks a column the model reads."""
        self._path = path
        # A text that is kept once for all rows that have it costs a fraction of one text a row.
        self._texts = [column.name for column in model.inputs if column.kind is Kind.TEXT]
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                self._metadata = file.metadata
                schema = file.schema_arrow.remove_metadata()
        except (pa.ArrowInvalid, OSError) as error:
            raise InvalidArgument(f"the file can't be read as Parquet ({error}); is it whole?") from error
        require_inputs(model, schema.names)
        if len(set(schema.names)) < len(schema.names):
            raise InvalidArgument("the Parquet file has two columns of one name; rename one and send it again")
        self.schema = pa.schema([pa.field(field.name, _plain(field.type)) for field in schema])
        self.size = self._metadata.num_rows
        self._block_bytes = block_bytes

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how the file is read, one sentence each."""
        return (
            f"{self.size:,} rows in {self._metadata.num_row_groups:,} row groups, with {len(self.schema)} columns.",
        )

    def blocks(self, index: int, start: int) -> Iterator[Block]:
        """Yield blocks of as many rows as take about block_bytes once their texts are written out."""
        held: list[pa.RecordBatch] = []
        rows = size = 0
        for piece in self._pieces(start):
            held.append(piece)
            rows, size = rows + piece.num_rows, size + decoded_bytes(piece)
            if rows >= MOST_ROWS or size >= self._block_bytes:
                yield Block(index, start, start + rows, pa.Table.from_batches(held))
                index, start, held, rows, size = index + 1, start + rows, [], 0, 0
        if held:
            yield Block(index, start, start + rows, pa.Table.from_batches(held))

    def read(self, block: Block, faults: Faults) -> Rows:  # noqa: ARG002 - the port's signature
        """Return a block's rows."""
        assert isinstance(block.data, pa.Table)
        return Rows(block.data, block.data.num_rows)

    def _pieces(self, start: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows from one on in pieces that are the same wherever one begins, each no larger than a block."""
        group, skipped = self._group_of(start)
        # Without pre-buffering and memory maps no more than pages are held, and none of the file counts as memory.
        with pyarrow.parquet.ParquetFile(
            self._path, read_dictionary=self._texts, buffer_size=BUFFER_BYTES, pre_buffer=False, memory_map=False
        ) as file:
            try:
                rows = self._rows_at_a_time(file)
                for number in range(group, self._metadata.num_row_groups):
                    for batch in file.iter_batches(rows, row_groups=[number], use_threads=False):
                        for piece in _cut(batch, self._block_bytes):
                            if skipped < piece.num_rows:
                                yield piece.slice(skipped)
                            skipped = max(skipped - piece.num_rows, 0)
            except OSError as error:
                raise InvalidArgument(f"the Parquet file is broken ({error}); write it again") from error

    def _rows_at_a_time(self, file: pyarrow.parquet.ParquetFile) -> int:
        """Return how many rows are decoded at a time, by what the file's first ones take.

        What a file says of its size is of no use: a text that many rows have may be in it once.
        """
        for batch in file.iter_batches(SAMPLE_ROWS, use_threads=False):
            if batch.num_rows:
                a_row = max(decoded_bytes(batch) / batch.num_rows, 1)
                return max(FEWEST_ROWS, min(BATCH_ROWS, int(self._block_bytes / a_row)))
        return BATCH_ROWS

    def _group_of(self, row: int) -> tuple[int, int]:
        """Return the row group that holds a row, and the row's place in it."""
        for group in range(self._metadata.num_row_groups):
            rows = self._metadata.row_group(group).num_rows
            if row < rows:
                return group, row
            row -= rows
        return self._metadata.num_row_groups, 0


def decoded_bytes(batch: pa.RecordBatch) -> int:
    """Return how many bytes the rows take with each text written out where it is."""
    return sum(_bytes_of(column) for column in batch.columns)


def _bytes_of(column: pa.Array) -> int:
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary).take(column.indices)
    return int(pc.sum(lengths).as_py() or 0) + _OFFSET_BYTES * len(column)


def _cut(batch: pa.RecordBatch, most_bytes: int) -> Iterator[pa.RecordBatch]:
    pieces = min(-(-decoded_bytes(batch) // most_bytes), max(batch.num_rows, 1))
    rows = -(-batch.num_rows // max(pieces, 1))
    for start in range(0, batch.num_rows, max(rows, 1)):
        yield batch.slice(start, rows)


def _plain(type_: pa.DataType) -> pa.DataType:
    return type_.value_type if pa.types.is_dictionary(type_) else type_
