"""Writing files and folders so that they survive a crash and appear whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from fairlead.kit.errors import InvalidArgument

CHUNK_BYTES = 1024 * 1024
READ_ONLY = 0o444


def chunks_of(path: Path) -> Iterator[bytes]:
    """Return a file's content in chunks of 1 MiB."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path, root: Path) -> None:
    """Make `folder` and its parents below `root`, each on disk."""
    if folder == root or folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        return
    make_folder(folder.parent, root)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder's files and folders to the new `target`, on disk, files read-only.

    Raises InvalidArgument on anything but files and folders: a link could lead out of the folder.
    """
    target.mkdir()
    for entry in sorted(source.iterdir()):
        mode = entry.lstat().st_mode
        if stat.S_ISDIR(mode):
            copy_folder(entry, target / entry.name)
        elif stat.S_ISREG(mode):
            _copy_file(entry, target / entry.name)
        else:
            raise InvalidArgument(f"{entry} is neither a file nor a folder; remove it before storing its folder.")
    sync_folder(target)


def _copy_file(source: Path, target: Path) -> None:
    with target.open("xb") as file:
        for chunk in chunks_of(source):
            file.write(chunk)
        file.flush()
        os.fchmod(file.fileno(), READ_ONLY)
        os.fsync(file.fileno())
