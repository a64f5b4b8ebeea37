"""A folder as a zip that is made while it is sent: nothing is written to disk, and little is held in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

CHUNK_BYTES = 1024 * 1024
# Models are packed to a half in little time; more effort would gain little.
LEVEL = 1


def zip_folder(folder: Path) -> Iterator[bytes]:
    """Return the chunks of a zip of the folder's files, by their paths in it; the same files give the same bytes.

    The files are open before it returns, so that the folder may go from a cache meanwhile. Raises OSError.
    """
    with ExitStack() as opened:
        files = [
            (path.relative_to(folder).as_posix(), opened.enter_context(path.open("rb")))
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        ]
        return _chunks(files, opened.pop_all())


def _chunks(files: Sequence[tuple[str, IO[bytes]]], opened: ExitStack) -> Iterator[bytes]:
    sink = _Sink()
    with opened, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for name, file in files:
            # By its name alone an entry has the first time that a zip knows.
            with archive.open(name, "w", force_zip64=True) as packed:
                while chunk := file.read(CHUNK_BYTES):
                    packed.write(chunk)
                    yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """What a zip is written to; it can't be sought, so the zip is written from front to back."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = bytearray()

    def writable(self) -> bool:
        """Return that it takes bytes."""
        return True

    def write(self, data: Any) -> int:
        """Keep bytes until they are taken."""
        self._kept += data
        return len(data)

    def taken(self) -> bytes:
        """Return what was kept, and keep it no longer."""
        taken = bytes(self._kept)
        self._kept.clear()
        return taken
