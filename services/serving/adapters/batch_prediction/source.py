"""What a batch prediction reads: blocks of a file, each of which makes one part of the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from ...domain.requests.columns import Array
from .faults import Faults


@dataclass(frozen=True)
class Block:
    """A stretch of the source that ends with a whole record: bytes of text, or rows that are decoded already."""

    index: int
    start: int
    end: int
    data: bytes | pa.Table


@dataclass(frozen=True)
class Rows:
    """The rows of a block, its columns in the source's order.

    places: each row's place among the block's records, where some could not be read; None where it is its own.
    lines: JSON objects as they stood, to be written again as they are; None for other sources.
    """

    table: pa.Table
    records: int
    places: Array | None = None
    lines: pa.Array | None = None


class Source(Protocol):
    """A file with rows to predict."""

    kind: str
    """csv, jsonl or parquet."""

    schema: pa.Schema
    """The columns and their types, as they are kept beside the predictions where the result is typed."""

    size: int
    """Where the last block ends."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how the file is read, one sentence each."""
        ...

    def blocks(self, index: int, start: int) -> Iterator[Block]:
        """Yield the blocks from this place on; where they end depends on nothing but where they start."""
        ...

    def read(self, block: Block, faults: Faults) -> Rows:
        """Return a block's rows, and tell of records that can't be read; safe to call from many threads.

        Raises InvalidArgument where the file is broken, TooManyFaultsError once faults are full.
        """
        ...
