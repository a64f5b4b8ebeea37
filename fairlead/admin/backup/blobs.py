"""Blobs and folders: copied out after the rows that name them, and in before.

A blob never changes, so one that a row named in the databases' snapshot is there when it is copied later.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fairlead.admin.backup.errors import Damaged
from fairlead.admin.backup.files import BackupFolder
from fairlead.admin.backup.manifest import BlobsDump
from fairlead.admin.backup.progress import Progress, Say
from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import NotFound

BLOBS, FOLDERS = "blobs", "folders"
_BLOB_PREFIX = "sha256/"


def copy_out(store: BlobStore, folder: BackupFolder, named: Iterable[str], say: Say) -> BlobsDump:
    """Copy everything of a store. Raises Damaged where a blob's bytes are not those that its key says."""
    progress = Progress("blobs", say)
    blobs = folders = 0
    missing = set(named)
    for key in store.keys():  # noqa: SIM118 - a store is no mapping
        try:
            if key.startswith(_BLOB_PREFIX):
                _copy_blob(store, key, folder, progress)
                blobs += 1
            else:
                _copy_folder(store, key, folder, progress)
                folders += 1
        except NotFound:
            # Removed since it was listed.
            continue
        missing.discard(key)
    say(f"blobs: {blobs:,} blobs and {folders:,} folders")
    if missing:
        say(f"blobs: {len(missing):,} that rows name were not in the store, such as {min(missing)}")
    return BlobsDump(blobs, folders, tuple(sorted(missing)))


def copy_in(store: BlobStore, root: Path, say: Say) -> None:
    """Store everything of a backup; what is there already stays."""
    progress = Progress("blobs", say)
    for path in sorted((root / BLOBS).glob("sha256/*/*")):
        stored = store.put_file(path)
        if stored.key != path.relative_to(root / BLOBS).as_posix():
            raise Damaged(f"{path} has other bytes than its name says")
        progress.add(stored.size)
    for path in sorted((root / FOLDERS).glob("*")):
        store.put_folder(path, path.name.replace("~", "/"))
        progress.add(0)


def first_key(store: BlobStore) -> str:
    """Return the key of something in the store, "" where it is empty."""
    return next(iter(store.keys()), "")


def remove_all(store: BlobStore) -> None:
    """Empty a store that a restore has begun to fill."""
    for key in list(store.keys()):
        store.delete(key)


def _copy_blob(store: BlobStore, key: str, folder: BackupFolder, progress: Progress) -> None:
    copied = folder.copy(store.fetch(key), f"{BLOBS}/{key}")
    if copied.sha256 != key.rpartition("/")[2]:
        raise Damaged(
            f"the blob {key} has other bytes in the store than it had when it was stored; put it back from an earlier "
            "backup, or delete it, and begin again"
        )
    progress.add(copied.size)


def _copy_folder(store: BlobStore, key: str, folder: BackupFolder, progress: Progress) -> None:
    source, target = store.fetch_folder(key), f"{FOLDERS}/{key.replace('/', '~')}"
    for path in sorted(source.rglob("*")):
        if path.is_file():
            progress.add(folder.copy(path, f"{target}/{path.relative_to(source).as_posix()}").size)
