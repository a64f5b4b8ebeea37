"""A Parquet file as blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from fairlead.kit.errors import InvalidArgument

from ...domain.models.schema import Kind, Schema
from .inputs import require_inputs
from .source import Block, Rows

BUFFER_BYTES = 1 << 20
MOST_ROWS = 131_072
FEWEST_ROWS = 1024
_CELL_BYTES = 12


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
        self._rows = _rows_of_a_block(self._metadata, len(schema), block_bytes)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how the file is read, one sentence each."""
        return (
            f"{self.size:,} rows in {self._metadata.num_row_groups:,} row groups, with {len(self.schema)} columns.",
        )

    def blocks(self, index: int, start: int) -> Iterator[Block]:
        """Yield blocks of equally many rows."""
        kept: list[pa.RecordBatch] = []
        held = 0
        for batch in self._batches(start):
            kept.append(batch)
            held += batch.num_rows
            while held >= self._rows:
                table = pa.Table.from_batches(kept)
                yield Block(index, start, start + self._rows, table.slice(0, self._rows))
                index, start, held = index + 1, start + self._rows, held - self._rows
                kept = table.slice(self._rows).to_batches()
        if held:
            yield Block(index, start, start + held, pa.Table.from_batches(kept))

    def read(self, block: Block) -> Rows:
        """Return a block's rows."""
        assert isinstance(block.data, pa.Table)
        return Rows(block.data, block.data.num_rows, [])

    def _batches(self, start: int) -> Iterator[pa.RecordBatch]:
        group, skipped = self._group_of(start)
        groups = list(range(group, self._metadata.num_row_groups))
        # Without pre-buffering and memory maps no more than pages are held, and none of the file counts as memory.
        with pyarrow.parquet.ParquetFile(
            self._path, read_dictionary=self._texts, buffer_size=BUFFER_BYTES, pre_buffer=False, memory_map=False
        ) as file:
            try:
                for batch in file.iter_batches(batch_size=self._rows, row_groups=groups, use_threads=False):
                    rest = batch.slice(min(skipped, batch.num_rows))
                    skipped -= batch.num_rows - rest.num_rows
                    if rest.num_rows:
                        yield rest
            except OSError as error:
                raise InvalidArgument(f"the Parquet file is broken ({error}); write it again") from error

    def _group_of(self, row: int) -> tuple[int, int]:
        """Return the row group that holds a row, and the row's place in it."""
        for group in range(self._metadata.num_row_groups):
            rows = self._metadata.row_group(group).num_rows
            if row < rows:
                return group, row
            row -= rows
        return self._metadata.num_row_groups, 0


def _rows_of_a_block(metadata: pyarrow.parquet.FileMetaData, columns: int, block_bytes: int) -> int:
    """Return as many rows as take about block_bytes in memory, by what the file says of its encoded size."""
    groups = range(metadata.num_row_groups)
    stored = sum(metadata.row_group(group).total_byte_size for group in groups) / max(metadata.num_rows, 1)
    return max(FEWEST_ROWS, min(MOST_ROWS, int(block_bytes / max(stored, columns * _CELL_BYTES))))


def _plain(type_: pa.DataType) -> pa.DataType:
    return type_.value_type if pa.types.is_dictionary(type_) else type_
