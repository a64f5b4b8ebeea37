"""An append-only journal on local disk, in segments: what was appended outlives the process, kill -9 included.

Each record is handed to the operating system in one write (frames.py has its form). The segment being written has the
suffix .open; sealed ones, which are only read and removed, have .sealed, and sort by age. Each has an identity of its
own in its name, which no other segment of any journal has; those of the first format have none.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from ...domain.losses import Span, Tally, add, count, rows_of
from .frames import Contents, Describe, Mark, frame, read

SEGMENT_BYTES = 8 * 1024 * 1024
"""A segment this large is sealed at once, so that reading one back takes little memory."""
SMALLEST_SEGMENT_BYTES = 64 * 1024
SEGMENTS = 16
"""A full journal is so many segments at least: one at a time is given up where the oldest go first."""
BROKEN_KEPT = 5
_FIRST_FORMAT = uuid.UUID("6f0a4c62-54a5-4d53-9d0e-3f6a8f6f1c11")


class JournalFull(Exception):
    """The journal holds as many bytes as it may."""


@dataclass
class Segment:
    """A stretch of the journal; the identity is empty where the first format had none."""

    path: Path
    identity: str
    size: int = 0
    rows: int = 0
    tally: Tally = field(default_factory=dict)


class Journal:
    """One process writes; append and read from any thread."""

    def __init__(self, folder: Path, *, max_bytes: int, describe: Describe) -> None:
        """Open the journal in a folder, made where absent; what an earlier process left there is sealed."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = min(SEGMENT_BYTES, max(SMALLEST_SEGMENT_BYTES, max_bytes // SEGMENTS))
        self._describe = describe
        self._lock = Lock()
        self._descriptor = -1
        self._open: Segment | None = None
        # Segments set aside count too: their numbers must not come again while they are there.
        self._next = max((_number(path) for path in folder.iterdir()), default=0) + 1
        self._ended = [self._found(path) for path in sorted(folder.glob("*.open"))]
        self._sealed = [self._found(path) for path in sorted(folder.glob("*.sealed"))]
        self._claimed: Segment | None = None
        self._bytes = sum(segment.size for segment in (*self._sealed, *self._ended))
        self._seal()

    def append(self, body: bytes, mark: Mark, displaced: Callable[[Tally], None] | None = None) -> Segment:
        """Keep a record, and return its segment. Raises JournalFull, or OSError where the disk refuses it.

        With displaced, a full journal gives up its oldest segments, except one that is claimed; displaced is told what
        they held, each before it is gone. JournalFull then means that not even this makes room.
        """
        with self._lock:
            segment = self._open
            framed = frame(body, mark, 0 if segment is None else segment.rows)
            if self._bytes + len(framed) > self._max_bytes:
                self._make_room(len(framed), displaced)
                if self._open is not segment:
                    segment, framed = None, frame(body, mark, 0)
            if segment is None:
                segment = self._create()
            written = os.write(self._descriptor, framed)
            if written != len(framed):
                os.ftruncate(self._descriptor, segment.size)
                os.lseek(self._descriptor, segment.size, os.SEEK_SET)
                raise OSError(f"the disk of {self._folder} took {written} of {len(framed)} bytes; is it full?")
            segment.size += written
            segment.rows += mark.rows
            self._bytes += written
            count(segment.tally, *mark)
            if segment.size >= self._segment_bytes:
                # The record is kept whether or not this succeeds; seal() tries again, and tells.
                with contextlib.suppress(OSError):
                    self._seal()
            return segment

    def seal(self) -> None:
        """End the segment being written, if there is one; the next record begins another.

        Raises OSError where the disk refuses; the segment is kept, and sealed by the next call.
        """
        with self._lock:
            self._seal()

    def claim(self) -> Segment | None:
        """Return the oldest sealed segment, which stays until it is removed or set aside; None where there is none."""
        with self._lock:
            if self._claimed is None and self._sealed:
                self._claimed = self._sealed[0]
            return self._claimed

    def read(self, segment: Segment) -> tuple[Contents, str]:
        """Return what a segment holds, and its identity. Rows that were there before and can't be read are damaged."""
        data = segment.path.read_bytes()
        contents = self._contents(segment.identity, data)
        contents.damaged_rows = segment.rows - rows_of(contents.tally)
        return contents, segment.identity or str(uuid.uuid5(_FIRST_FORMAT, data.hex()))

    def damaged(self, segment: Segment, contents: Contents) -> Tally:
        """Return the damaged rows of what read() returned by deployment, as far as anyone knows whose they are.

        What this process wrote it remembers. Of what an earlier one left it is known where all records that can be read
        are of one deployment.
        """
        lost: Tally = {}
        for deployment, held in segment.tally.items():
            rows = held.rows - contents.tally.get(deployment, Span(0, 0, 0)).rows
            if rows > 0:
                lost[deployment] = held._replace(rows=rows)
        if (unknown := contents.damaged_rows - rows_of(lost)) > 0 and len(segment.tally) == 1:
            ((deployment, held),) = segment.tally.items()
            add(lost, deployment, held._replace(rows=unknown))
        return lost

    def remove(self, segment: Segment) -> None:
        """Forget a sealed segment."""
        with self._lock:
            self._forget(segment)
        segment.path.unlink()

    def set_aside(self, segment: Segment) -> None:
        """Keep a sealed segment that can't be read out of the way, under the suffix .broken; only the newest stay."""
        with self._lock:
            self._forget(segment)
        segment.path.rename(segment.path.with_suffix(".broken"))
        for oldest in sorted(self._folder.glob("*.broken"))[:-BROKEN_KEPT]:
            oldest.unlink()

    @property
    def size(self) -> int:
        """Return the bytes that the journal holds."""
        return self._bytes

    @property
    def max_bytes(self) -> int:
        """Return the bytes that it may hold."""
        return self._max_bytes

    def gathering(self) -> int:
        """Return how many deployments have records in the segment being written."""
        segment = self._open
        return 0 if segment is None else len(segment.tally)

    def oldest_ns(self) -> int | None:
        """Return when the oldest record that it holds was answered, nanoseconds since 1970; None where it is empty."""
        with self._lock:
            held = [*self._sealed, *self._ended, *([self._open] if self._open else [])]
            times = [span.first_ns for segment in held[:1] for span in segment.tally.values()]
            return min(times, default=None)

    def _make_room(self, needed: int, displaced: Callable[[Tally], None] | None) -> None:
        stays = 0 if self._claimed is None else self._claimed.size
        if displaced is None or stays + needed > self._max_bytes:
            raise JournalFull(f"the journal {self._folder} holds {self._max_bytes} bytes, which is its limit")
        while self._bytes + needed > self._max_bytes:
            oldest = next((segment for segment in self._sealed if segment is not self._claimed), None)
            if oldest is None:
                self._seal()
                continue
            displaced(oldest.tally)
            self._forget(oldest)
            oldest.path.unlink()

    def _forget(self, segment: Segment) -> None:
        self._sealed.remove(segment)
        self._bytes -= segment.size
        if self._claimed is segment:
            self._claimed = None

    def _seal(self) -> None:
        if self._open is not None:
            descriptor, self._descriptor = self._descriptor, -1
            self._ended.append(self._open)
            self._open = None
            os.close(descriptor)
        # Besides the segment just ended these are what a killed process left, or an earlier call could not rename.
        while self._ended:
            segment = self._ended[0]
            sealed = segment.path.with_suffix(".sealed")
            segment.path.rename(sealed)
            segment.path = sealed
            self._sealed.append(self._ended.pop(0))

    def _create(self) -> Segment:
        identity = str(uuid.uuid4())
        path = self._folder / f"{self._next:012d}-{identity}.open"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._next += 1
        self._open = Segment(path, identity)
        return self._open

    def _found(self, path: Path) -> Segment:
        """Return a segment that an earlier process left."""
        data, identity = path.read_bytes(), path.stem.partition("-")[2]
        contents = self._contents(identity, data)
        rows = rows_of(contents.tally) + contents.damaged_rows
        return Segment(path, identity, len(data), rows, contents.tally)

    def _contents(self, identity: str, data: bytes) -> Contents:
        return read(data, None if identity else self._describe)


def _number(path: Path) -> int:
    number = path.stem.partition("-")[0]
    return int(number) if number.isdecimal() else 0
