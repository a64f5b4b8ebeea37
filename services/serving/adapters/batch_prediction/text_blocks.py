"""Cuts a text file into blocks of whole records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from fairlead.kit.errors import InvalidArgument

from .source import Block

RECORD_BYTES = 64 * 1024 * 1024
"""How long one record may be."""
MOST_RECORDS = 131_072
"""Of a block: what is kept of a record beside its text would else outgrow the text where records are short."""
SAMPLE_BYTES = 1 << 20
_NEWLINE = 0x0A


def text_blocks(
    path: Path,
    index: int,
    start: int,
    *,
    block_bytes: int,
    end_of_records: Callable[[bytes], int],
    line_end: bytes = b"\n",
    record_bytes: int = RECORD_BYTES,
    most_records: int = MOST_RECORDS,
) -> Iterator[Block]:
    """Yield blocks of about block_bytes, and no more than most_records lines, from this place on.

    Where lines end with anything but a line feed, line_end (one byte) is read as one. Raises InvalidArgument for a
    record that does not end.
    """
    with path.open("rb") as file:
        file.seek(start)
        text, wanted = b"", block_bytes
        while True:
            if len(text) < wanted:
                text += _unified(file.read(wanted - len(text)), line_end)
            if not text:
                return
            end = _end_of_block(text[:wanted], end_of_records, most_records, is_all=len(text) < wanted)
            if end == 0:
                if len(text) > max(record_bytes, block_bytes):
                    raise InvalidArgument(
                        f"the record that begins at byte {start:,} is longer than {record_bytes:,} bytes; "
                        "is a quote not closed? Correct it and send the file again"
                    )
                wanted += block_bytes
                continue
            yield Block(index, start, start + end, text[:end])
            # Where the next one ends depends on nothing but where it starts, so that it is the same after a restart.
            index, start, text, wanted = index + 1, start + end, text[end:], block_bytes


def beginning_of(path: Path, is_enough: Callable[[bytes], bool]) -> tuple[bytes, bool]:
    """Return a megabyte of a file, or as much as one record may have where that is not enough; and if that is all."""
    size = path.stat().st_size
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
        while len(sample) < min(size, RECORD_BYTES) and not is_enough(sample):
            sample += file.read(len(sample))
    return sample, len(sample) >= size


def _end_of_block(text: bytes, end_of_records: Callable[[bytes], int], most: int, *, is_all: bool) -> int:
    if text.count(b"\n") > most:
        last = int(np.flatnonzero(np.frombuffer(text, np.uint8) == _NEWLINE)[most - 1])
        if end := end_of_records(text[: last + 1]):
            return end
    return len(text) if is_all else end_of_records(text)


def _unified(text: bytes, line_end: bytes) -> bytes:
    return text if line_end == b"\n" else text.replace(line_end, b"\n")
