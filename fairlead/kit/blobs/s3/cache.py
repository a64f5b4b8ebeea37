"""Copies of remote blobs and folders on the local disk, shared by the processes of a machine.

    blobs/abcdef...                one file a blob
    folders/models~p~id@generation one folder a generation of a folder
    drafts/                        what is being downloaded; moved into place whole
    locks/                         one file a download under way, and `use`

What is used is marked by its modification time; once the copies are more than they may be, those that were not used for
longest go, but none that was used within the last hour: its reader may still be at it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fairlead.kit.errors import FailedPrecondition
from fairlead.kit.logging import get_logger

KEPT_SECONDS = 3600.0
ABANDONED_SECONDS = 24 * 3600.0

_log = get_logger("fairlead.blobs")


class BlobCache:
    """A folder of copies, by name, of at most `limit` bytes."""

    def __init__(self, root: Path, limit: int, kept_seconds: float = KEPT_SECONDS) -> None:
        self._root = root
        self._limit = limit
        self._kept_seconds = kept_seconds
        try:
            for name in ("blobs", "folders", "drafts", "locks"):
                (root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FailedPrecondition(f"The folder {root} for copies of blobs can't be made: {error}.") from error
        self._remove_abandoned()

    def get(self, name: str, download: Callable[[Path], object]) -> Path:
        """Return the copy's path; where it is absent, `download` makes it at the path it is given, once for all."""
        path = self._root / name
        if self._used(path):
            return path
        with self._downloading(name):
            # Whoever held the lock before may have brought it.
            if self._used(path):
                return path
            draft = self._draft()
            try:
                download(draft)
                with self._using(fcntl.LOCK_SH):
                    draft.rename(path)
                    os.utime(path)
            finally:
                _remove(draft)
        self._make_room()
        return path

    def remove(self, name: str) -> None:
        """Remove a copy, if there is one; readers that have it open keep their bytes."""
        draft = self._draft()
        try:
            (self._root / name).rename(draft)
        except FileNotFoundError:
            return
        _remove(draft)

    def _used(self, path: Path) -> bool:
        """Mark a copy as used and return whether there is one."""
        with self._using(fcntl.LOCK_SH):
            try:
                os.utime(path)
            except FileNotFoundError:
                return False
        return True

    def _draft(self) -> Path:
        return self._root / "drafts" / uuid.uuid4().hex

    @contextmanager
    def _using(self, kind: int) -> Iterator[None]:
        """Keep copies from going while they are marked (LOCK_SH), or from being marked while they go (LOCK_EX)."""
        with (self._root / "locks" / "use").open("a") as file:
            fcntl.flock(file, kind)
            yield

    @contextmanager
    def _downloading(self, name: str) -> Iterator[None]:
        path = self._root / "locks" / name.replace("/", "~")
        while True:
            with path.open("a") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if not _is_still(path, file.fileno()):
                    continue  # removed by the one before
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return

    def _make_room(self) -> None:
        found = sorted(self._copies(), key=lambda copy: copy[0])
        total = sum(size for _, size, _ in found)
        for _, size, path in found:
            if total <= self._limit:
                return
            if self._take_away(path):
                total -= size
        if total > self._limit:
            _log.info("copies of blobs in use are more than they may be", bytes=total, limit=self._limit)

    def _take_away(self, path: Path) -> bool:
        draft = self._draft()
        with self._using(fcntl.LOCK_EX):
            try:
                if path.stat().st_mtime > time.time() - self._kept_seconds:
                    return False
                path.rename(draft)
            except FileNotFoundError:
                return True
        _remove(draft)
        return True

    def _copies(self) -> Iterator[tuple[float, int, Path]]:
        """Yield when each copy was last used, its bytes and its path."""
        for path in [*(self._root / "blobs").iterdir(), *(self._root / "folders").iterdir()]:
            try:
                yield path.stat().st_mtime, _bytes_of(path), path
            except FileNotFoundError:
                continue  # taken away by another process

    def _remove_abandoned(self) -> None:
        oldest = time.time() - ABANDONED_SECONDS
        for draft in (self._root / "drafts").iterdir():
            try:
                if draft.stat().st_mtime < oldest:
                    _remove(draft)
            except FileNotFoundError:
                continue  # its process has just finished


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def _bytes_of(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if stat.S_ISREG(file.lstat().st_mode))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
