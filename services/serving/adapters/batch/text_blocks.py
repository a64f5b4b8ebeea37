"""Cuts a text file into blocks of whole records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from fairlead.kit.errors import InvalidArgument

from .source import Block

RECORD_BYTES = 64 * 1024 * 1024
"""How long one record may be."""


def text_blocks(
    path: Path,
    index: int,
    start: int,
    *,
    block_bytes: int,
    end_of_records: Callable[[bytes], int],
    record_bytes: int = RECORD_BYTES,
) -> Iterator[Block]:
    """Yield blocks of about block_bytes from this place on. Raises InvalidArgument for a record that does not end."""
    with path.open("rb") as file:
        file.seek(start)
        text = b""
        while True:
            # As much from the block's start on whatever was read before, so that blocks are the same after a restart.
            more = file.read(max(block_bytes - len(text), 0) or block_bytes)
            text += more
            if not text:
                return
            end = end_of_records(text) if more else len(text)
            if end == 0:
                if len(text) > max(record_bytes, block_bytes):
                    raise InvalidArgument(
                        f"the record that begins at byte {start:,} is longer than {record_bytes:,} bytes; "
                        "is a quote not closed? Correct it and send the file again"
                    )
                continue
            yield Block(index, start, start + end, text[:end])
            index, start, text = index + 1, start + end, text[end:]
