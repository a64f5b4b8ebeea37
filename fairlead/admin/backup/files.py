"""The files of a backup: written once, on disk, with size and SHA-256; rows in compressed lines."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, cast

import zstandard

from fairlead.admin.backup.errors import Damaged

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class BackupFile:
    """A file of a backup by its path in it, with its size in bytes and SHA-256, hexadecimal."""

    path: str
    size: int
    sha256: str


class LineWriter(Protocol):
    """Takes lines one by one."""

    def write(self, line: bytes) -> None:
        """Append a line, given without its end."""
        ...


class BackupFolder:
    """A folder that a backup is written into; remembers each file that it is given."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files: dict[str, BackupFile] = {}

    @property
    def files(self) -> tuple[BackupFile, ...]:
        """Return what was written, by path."""
        return tuple(self._files[path] for path in sorted(self._files))

    @property
    def size(self) -> int:
        """Return the bytes written."""
        return sum(file.size for file in self._files.values())

    def copy(self, source: Path, path: str) -> BackupFile:
        """Copy a file to a path of the backup. Raises FileNotFoundError where it is gone."""
        with source.open("rb") as file:
            return self.store(iter(lambda: file.read(CHUNK_BYTES), b""), path)

    def store(self, chunks: Iterable[bytes], path: str) -> BackupFile:
        """Write chunks to a path of the backup."""
        with self._create(path) as file:
            for chunk in chunks:
                file.write(chunk)
        return self._files[path]

    def forget(self, path: str) -> None:
        """Remove what was written below a path, or to it."""
        for name in [name for name in self._files if name == path or name.startswith(f"{path}/")]:
            (self.root / name).unlink()
            del self._files[name]

    @contextmanager
    def lines(self, path: str) -> Iterator[LineWriter]:
        """Write a compressed file of lines."""
        with (
            self._create(path) as file,
            zstandard.ZstdCompressor(level=3).stream_writer(cast("IO[bytes]", file), closefd=False) as packed,
        ):
            yield _Lines(packed)

    @contextmanager
    def _create(self, path: str) -> Iterator[_HashedFile]:
        target = self.root / path
        self._make_folder(target.parent)
        with open(target, "xb", opener=owners_only) as raw:
            file = _HashedFile(raw)
            try:
                yield file
            except BaseException:
                target.unlink()
                raise
            raw.flush()
            os.fsync(raw.fileno())
        self._files[path] = BackupFile(path, file.size, file.sha256)

    def _make_folder(self, path: Path) -> None:
        if not path.is_dir():
            self._make_folder(path.parent)
            path.mkdir(mode=0o700)


def owners_only(path: str, flags: int) -> int:
    """Open a file that nobody else may read: a backup holds all data."""
    return os.open(path, flags, 0o600)


class _Lines:
    def __init__(self, packed: zstandard.ZstdCompressionWriter) -> None:
        self._packed = packed

    def write(self, line: bytes) -> None:
        self._packed.write(line + b"\n")


class _HashedFile:
    """Counts and hashes what is written."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self.size += len(data)
        return self._raw.write(data)

    def flush(self) -> None:
        self._raw.flush()


def read_lines(path: Path) -> Iterator[bytes]:
    """Return the lines of a compressed file, without their ends. Raises Damaged."""
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as packed:
        try:
            for line in io.BufferedReader(packed, CHUNK_BYTES):
                if not line.endswith(b"\n"):
                    raise Damaged(f"{path} ends within a line")
                yield line[:-1]
        except zstandard.ZstdError as error:
            raise Damaged(f"{path} can't be unpacked: {error}") from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folders(root: Path) -> None:
    """Bring the entries of a folder and of all folders below it to disk."""
    for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
