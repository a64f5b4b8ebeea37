"""An append-only journal on local disk, in segments: what was appended outlives the process, kill -9 included.

A record is 4 bytes of length (little-endian) and its bytes, handed to the operating system in one write. The segment
being written has the suffix .open; sealed ones, which are only read and removed, have .sealed, and sort by age.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

SEGMENT_BYTES = 8 * 1024 * 1024
"""A segment this large is sealed at once, so that reading one back takes little memory."""
BROKEN_KEPT = 5
_LENGTH = struct.Struct("<I")


class JournalFull(Exception):
    """The journal holds as many bytes as it may."""


class Journal:
    """One process writes; seal and read from one thread, append from any."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        """Open the journal in a folder, made where absent; what an earlier process left there is sealed."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._descriptor = -1
        self._open_bytes = 0
        # Segments set aside count too: their numbers must not come again.
        numbers = [int(path.stem) for path in folder.iterdir() if path.stem.isdecimal()]
        self._next = max(numbers, default=0) + 1
        self._seal()
        self._sealed_bytes = sum(path.stat().st_size for path in self.sealed())

    def append(self, record: bytes) -> None:
        """Keep a record. Raises JournalFull, or OSError where the disk refuses; nothing is kept then."""
        framed = _LENGTH.pack(len(record)) + record
        with self._lock:
            if self._sealed_bytes + self._open_bytes + len(framed) > self._max_bytes:
                raise JournalFull(f"the journal {self._folder} holds {self._max_bytes} bytes, which is its limit")
            if self._descriptor < 0:
                self._descriptor = self._create()
            written = os.write(self._descriptor, framed)
            if written != len(framed):
                os.ftruncate(self._descriptor, self._open_bytes)
                os.lseek(self._descriptor, self._open_bytes, os.SEEK_SET)
                raise OSError(f"the disk of {self._folder} took {written} of {len(framed)} bytes; is it full?")
            self._open_bytes += written
            if self._open_bytes >= SEGMENT_BYTES:
                # The record is kept whether or not this succeeds; seal() tries again, and tells.
                with contextlib.suppress(OSError):
                    self._seal()

    def seal(self) -> None:
        """End the segment being written, if there is one; the next record begins another.

        Raises OSError where the disk refuses; the segment is kept, and sealed by the next call.
        """
        with self._lock:
            self._seal()

    def sealed(self) -> list[Path]:
        """Return the sealed segments, oldest first."""
        return sorted(self._folder.glob("*.sealed"))

    def remove(self, segment: Path) -> None:
        """Forget a sealed segment."""
        size = segment.stat().st_size
        segment.unlink()
        with self._lock:
            self._sealed_bytes -= size

    def set_aside(self, segment: Path) -> None:
        """Keep a sealed segment that can't be read out of the way, under the suffix .broken; only the newest stay."""
        size = segment.stat().st_size
        segment.rename(segment.with_suffix(".broken"))
        with self._lock:
            self._sealed_bytes -= size
        for oldest in sorted(self._folder.glob("*.broken"))[:-BROKEN_KEPT]:
            oldest.unlink()

    def _seal(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            self._sealed_bytes += self._open_bytes
            self._open_bytes = 0
            self._next += 1
            os.close(descriptor)
        # Besides the segment just ended these are what a killed process left, or an earlier call could not rename.
        for ended in self._folder.glob("*.open"):
            ended.rename(ended.with_suffix(".sealed"))

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:012d}.open"

    def _create(self) -> int:
        return os.open(self._path(self._next), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def read_segment(segment: Path) -> Iterator[bytes]:
    """Return the records of a sealed segment in order; one that a crash cut short, at the end, is left out."""
    with segment.open("rb") as file:
        while len(head := file.read(_LENGTH.size)) == _LENGTH.size:
            (length,) = _LENGTH.unpack(head)
            record = file.read(length)
            if len(record) != length:
                return
            yield record
