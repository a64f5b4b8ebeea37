"""A text file in blocks of whole records: by bytes, by records, and the same ones wherever reading begins."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from services.serving.adapters.batch_prediction.source import Block
from services.serving.adapters.batch_prediction.text_blocks import text_blocks
from services.serving.domain.batch_prediction.delimited import end_of_records

ENDS = partial(end_of_records, delimiter=",")


def cut(path: Path, index: int = 0, start: int = 0, *, most_records: int = 50) -> list[Block]:
    return [*text_blocks(path, index, start, block_bytes=1000, end_of_records=ENDS, most_records=most_records)]


def test_short_records_make_blocks_of_no_more_than_so_many(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("1\n" * 1030 + "2")

    counts = [bytes(block.data).count(b"\n") for block in cut(path)]

    assert counts == [50] * 20 + [30]
    assert b"".join(bytes(block.data) for block in cut(path)) == path.read_bytes()


def test_blocks_are_the_same_wherever_reading_begins(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    path = tmp_path / "rows.csv"
    lengths = [1, 1, 1, 1, 30, 300, 4000]
    texts = ["x" * lengths[random.integers(0, len(lengths))] for _ in range(1500)]
    path.write_text("".join(f'"{text}\n{text}"\n' if random.integers(0, 2) else f"{text}\n" for text in texts))

    blocks = cut(path, most_records=20)

    assert len(blocks) > 100
    assert b"".join(bytes(block.data) for block in blocks) == path.read_bytes()
    for block in blocks[::7]:
        assert cut(path, block.index, block.start, most_records=20) == blocks[block.index :]
