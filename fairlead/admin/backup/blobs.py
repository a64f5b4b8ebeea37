"""Blobs and folders: copied out after the rows that name them, and in before.

A blob never changes, so one that a row named in the databases' snapshot is there when it is copied later.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fairlead.admin.backup.errors import Damaged
from fairlead.admin.backup.files import BackupFile, BackupFolder
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
        except (NotFound, FileNotFoundError):
            # Removed since it was listed, or while it was copied.
            folder.forget(_folder_path(key))
            continue
        missing.discard(key)
    say(f"blobs: {blobs:,} blobs and {folders:,} folders")
    if missing:
        say(f"blobs: {len(missing):,} that rows name were not in the store, such as {min(missing)}")
    return BlobsDump(blobs, folders, tuple(sorted(missing)))


def copy_in(store: BlobStore, root: Path, files: Iterable[BackupFile], say: Say) -> None:
    """Store the blobs and folders among the files that a manifest lists; what is there already stays."""
    progress = Progress("blobs", say)
    parts = [file.path.split("/", 1) for file in files]
    for key in (path for top, *rest in parts for path in rest if top == BLOBS):
        stored = store.put_file(root / BLOBS / key)
        if stored.key != key:
            raise Damaged(f"{root / BLOBS / key} has other bytes than its name says")
        progress.add(stored.size)
    # `verify` has found no file in them that is not listed.
    for name in sorted({path.split("/")[0] for top, *rest in parts for path in rest if top == FOLDERS}):
        store.put_folder(root / FOLDERS / name, name.replace("~", "/"))
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
    source, target = store.fetch_folder(key), _folder_path(key)
    for path in sorted(source.rglob("*")):
        if not path.is_dir():
            progress.add(folder.copy(path, f"{target}/{path.relative_to(source).as_posix()}").size)
    if not source.is_dir():
        raise FileNotFoundError(source)


def _folder_path(key: str) -> str:
    return f"{FOLDERS}/{key.replace('/', '~')}"
