"""How a record lies in a segment of the journal: framed, checked, and counted, so that damage costs what it hits alone.

A frame is a marker, a CRC-32 of what follows, and then the record's length, its rows, the rows of the segment before
it, its time, its deployment and its bytes. Behind damage the next marker with a right checksum is where reading goes
on, and the rows before it tell how many were lost. Segments of the first format, which had a length alone before each
record, are read too.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ...domain.losses import Tally, count

MARKER = b"FLJ\xff"
_CHECK = struct.Struct("<4sI")
_HEAD = struct.Struct("<IIQqH")
_FRAME = struct.Struct("<4sIIIQqH")
_LENGTH = struct.Struct("<I")


class Mark(NamedTuple):
    """Whose record it is, how many rows it holds, and when they were answered: nanoseconds since 1970."""

    deployment: str
    rows: int
    time_ns: int


class Record(NamedTuple):
    """One record as it was appended, and its place in its segment, from 0."""

    place: int
    mark: Mark
    body: bytes


Describe = Callable[[bytes], Mark]
"""Tells a record's mark from its bytes, which the first format needs; raises an error of any kind where it can't."""


@dataclass
class Contents:
    """What a segment holds: the records that are whole, their tally, and how many rows are known to be damaged."""

    records: list[Record] = field(default_factory=list)
    tally: Tally = field(default_factory=dict)
    damaged_rows: int = 0


def frame(body: bytes, mark: Mark, rows_before: int) -> bytes:
    """Return a record as it is written."""
    deployment = mark.deployment.encode()
    checked = _HEAD.pack(len(body), mark.rows, rows_before, mark.time_ns, len(deployment)) + deployment + body
    return _CHECK.pack(MARKER, zlib.crc32(checked)) + checked


def read(data: bytes, describe: Describe | None = None) -> Contents:
    """Return what a segment's bytes hold, in the first format where describe is given.

    A record that a crash cut short, at the end, is no damage.
    """
    contents = Contents()
    keep, tally = contents.records.append, contents.tally
    for record in _frames(data, contents) if describe is None else _first_format(data, contents, describe):
        keep(record)
        count(tally, *record.mark)
    return contents


def _frames(data: bytes, contents: Contents) -> Iterator[Record]:
    at = place = rows = 0
    while at < len(data):
        found = _frame_at(data, at)
        if found is None:
            following = _next_frame(data, at + 1)
            if following < 0:
                contents.damaged_rows += _damaged_at_the_end(data, at)
                return
            at = following
            continue
        mark, body, before, at = found
        # Rows that were written before this record and not read are those of the damage that was skipped.
        contents.damaged_rows += before - rows
        rows = before + mark.rows
        yield Record(place, mark, body)
        place += 1


def _frame_at(data: bytes, at: int) -> tuple[Mark, bytes, int, int] | None:
    """Return mark, bytes, the rows before, and where the next frame begins; None where no whole frame is."""
    name = at + _FRAME.size
    if len(data) < name:
        return None
    marker, check, length, rows, before, time_ns, name_length = _FRAME.unpack_from(data, at)
    body = name + name_length
    end = body + length
    if marker != MARKER or end > len(data) or zlib.crc32(memoryview(data)[at + _CHECK.size : end]) != check:
        return None
    return Mark(data[name:body].decode(), rows, time_ns), data[body:end], before, end


def _next_frame(data: bytes, at: int) -> int:
    while (at := data.find(MARKER, at)) >= 0:
        if _frame_at(data, at) is not None:
            return at
        at += 1
    return -1


def _damaged_at_the_end(data: bytes, at: int) -> int:
    """Return 0 for a record that was cut short: nobody had its answer. Else its rows, where they are likely, or 1."""
    start = at + _CHECK.size
    if len(data) < start + _HEAD.size:
        return 0
    length, rows, _, _, name_length = _HEAD.unpack_from(data, start)
    if not data.startswith(MARKER, at):
        return 1
    if start + _HEAD.size + name_length + length > len(data):
        return 0
    # A row is a number at least.
    return rows if 0 < rows <= length else 1


def _first_format(data: bytes, contents: Contents, describe: Describe) -> Iterator[Record]:
    at = place = 0
    while at + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if at + length > len(data):
            return
        body = data[at : at + length]
        at += length
        try:
            yield Record(place, describe(body), body)
        except Exception:  # noqa: BLE001 - bytes that are no record may fail in any way; they are counted
            contents.damaged_rows += 1
        place += 1
