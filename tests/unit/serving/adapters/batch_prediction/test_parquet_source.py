"""Parquet in blocks: by what the rows take once read, and the same ones wherever reading begins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from services.serving.adapters.batch_prediction.parquet_source import MOST_ROWS, ParquetSource, decoded_bytes
from services.serving.adapters.batch_prediction.source import Block
from services.serving.domain.models.schema import InputColumn, Kind, Schema, TaskType

MODEL = Schema(TaskType.REGRESSION, (), (InputColumn("text", Kind.TEXT, "text"),))
BLOCK_BYTES = 1 << 20


def write(folder: Path, texts: list[str], *, group: int) -> ParquetSource:
    path = folder / "rows.parquet"
    table = pa.table({"row": pa.array(range(len(texts))), "text": texts, "carried": texts})
    pa.parquet.write_table(table, path, row_group_size=group)
    return ParquetSource(path, MODEL, block_bytes=BLOCK_BYTES)


def rows_of(block: Block) -> list[int]:
    assert isinstance(block.data, pa.Table)
    rows: list[int] = block.data.column("row").to_pylist()
    return rows


def written_out(block: Block) -> int:
    table = block.data
    assert isinstance(table, pa.Table)
    plain: pa.Table = table.cast(pa.schema([("row", pa.int64()), ("text", pa.string()), ("carried", pa.string())]))
    return int(plain.nbytes)


@pytest.mark.parametrize("group", [100_000, 700])
def test_texts_that_are_in_the_file_once_count_in_each_row_that_has_them(tmp_path: Path, group: int) -> None:
    long = ["x" * 5000, "y" * 3000, ""]
    source = write(tmp_path, [long[number % 3] for number in range(20_000)], group=group)

    blocks = [*source.blocks(0, 0)]

    assert (tmp_path / "rows.parquet").stat().st_size < BLOCK_BYTES
    assert max(written_out(block) for block in blocks) < 2.5 * BLOCK_BYTES
    assert sum(block.end - block.start for block in blocks) == 20_000


def test_rows_that_grow_behind_the_first_ones_do_not_make_larger_blocks(tmp_path: Path) -> None:
    source = write(tmp_path, ["a"] * 9000 + ["x" * 20_000] * 4000, group=100_000)
    assert max(written_out(block) for block in source.blocks(0, 0)) < 2.5 * BLOCK_BYTES


def test_short_rows_make_blocks_of_as_many_as_may_be(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pa.parquet.write_table(pa.table({"text": ["a"] * 400_000}), path)
    source = ParquetSource(path, MODEL, block_bytes=64 << 20)
    assert [block.end - block.start for block in source.blocks(0, 0)] == [MOST_ROWS] * 3 + [400_000 - 3 * MOST_ROWS]


@pytest.mark.parametrize("group", [100_000, 5000, 333])
def test_blocks_are_the_same_wherever_reading_begins(tmp_path: Path, group: int) -> None:
    lengths = np.random.default_rng(2).integers(0, 2000, 12_000)
    source = write(tmp_path, ["x" * length for length in lengths.tolist()], group=group)
    blocks = [*source.blocks(0, 0)]
    assert len(blocks) > 5
    assert [rows_of(block)[0] for block in blocks] == [block.start for block in blocks]

    for block in blocks[1::3]:
        again = [*source.blocks(block.index, block.start)]
        assert [(each.index, each.start, each.end) for each in again] == [
            (each.index, each.start, each.end) for each in blocks[block.index :]
        ]
        assert rows_of(again[0]) == rows_of(block)


def test_decoded_bytes_are_those_of_the_texts_written_out() -> None:
    texts = pa.array(["ab", None, "ab", "c"])
    plain = decoded_bytes(pa.record_batch({"t": texts}))
    coded = decoded_bytes(pa.record_batch({"t": texts.dictionary_encode()}))
    assert abs(plain - coded) <= 8
