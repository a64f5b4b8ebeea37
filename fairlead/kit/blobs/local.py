"""The blob store in a local folder.

    sha256/ab/abcdef...     one read-only file a blob
    folders/models~p~id/    one folder a folder key, its slashes written as ~ (no key has a ~)
    incoming/               what is being written; moved into place whole
    lock                    held while a folder is replaced

Several processes may use it at once. Replacing a folder takes two renames: between them the old folder is in incoming/
under its own name and .replaced, and whoever misses it waits for the lock and brings it back where its writer was
killed. Whoever still reads the old folder's files by path may find them gone, so give changed content a new key.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fairlead.kit.errors import FailedPrecondition, NotFound
from fairlead.kit.full_disk import room_needed

from .durable_files import READ_ONLY, chunks_of, copy_folder, make_folder, sync_folder
from .keys import beginning_below, blob_key, is_blob_key, require_blob_key, require_folder_key
from .port import LINK_SECONDS, Link, StoredBlob

# What a killed writer left in incoming/ is removed at the next opening after this long.
ABANDONED_SECONDS = 24 * 3600.0
_REPLACED = ".replaced"


class LocalBlobStore:
    """See fairlead.kit.blobs.BlobStore."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FailedPrecondition(f"The blob store's folder {root} can't be made: {error}.") from error
        with self._folders_settled():
            pass
        self._remove_abandoned()

    def put_stream(self, chunks: Iterable[bytes]) -> StoredBlob:
        """Store the chunks as one blob, on disk when this returns; the same bytes are kept once."""
        draft = self._draft()
        digest = hashlib.sha256()
        size = 0
        try:
            with room_needed(f"the blob store {self._root}"), draft.open("xb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    size += file.write(chunk)
                file.flush()
                os.fchmod(file.fileno(), READ_ONLY)
                os.fsync(file.fileno())
            stored = StoredBlob(blob_key(digest.hexdigest()), digest.hexdigest(), size)
            self._move_in(draft, self._root / stored.key)
        finally:
            draft.unlink(missing_ok=True)
        return stored

    def put_file(self, path: Path) -> StoredBlob:
        """Store a file's content as a blob; raises NotFound where there is no such file."""
        if not path.is_file():
            raise NotFound(f"The file {path} to store is not there.")
        return self.put_stream(chunks_of(path))

    def put_bytes(self, data: bytes) -> StoredBlob:
        """Store these bytes as a blob."""
        return self.put_stream((data,))

    def put_folder(self, folder: Path, key: str) -> str:
        """Store a folder's files under `key`, whole or not at all, in place of what was there; return the key.

        Raises NotFound where there is no such folder, InvalidArgument on a link in it.
        """
        target = self._folder_path(require_folder_key(key))
        if not folder.is_dir():
            raise NotFound(f"The folder {folder} to store is not there.")
        draft = self._draft()
        try:
            with room_needed(f"the blob store {self._root}"):
                copy_folder(folder, draft)
                make_folder(target.parent, self._root)
            with self._folders_settled():
                _rename_if_there(target, self._incoming / f"{draft.name}.{target.name}{_REPLACED}")
                draft.rename(target)
                sync_folder(target.parent)
            with self._folders_settled():
                pass  # what was replaced is removed
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return key

    def fetch(self, key: str) -> Path:
        """Return the path of the read-only file with the blob's bytes."""
        return self._require(self._root / require_blob_key(key), key)

    def fetch_folder(self, key: str) -> Path:
        """Return the path of the folder; its files are read-only."""
        return self._require(self._folder_path(require_folder_key(key)), key)

    def exists(self, key: str) -> bool:
        """Return whether a blob or a folder has this key."""
        return self._is_there(self._path(key))

    def size(self, key: str) -> int:
        """Return the bytes of the blob, or of all the folder's files."""
        path = self._require(self._path(key), key)
        if path.is_file():
            return path.stat().st_size
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())

    def delete(self, key: str) -> None:
        """Remove the blob or the folder; readers that have it open keep their bytes."""
        path = self._require(self._path(key), key)
        removed = self._draft()
        with self._folders_settled():
            was_there = _rename_if_there(path, removed)
        if not was_there:
            raise NotFound(f"The blob store has nothing under '{key}'.", resource=key)
        sync_folder(path.parent)
        if removed.is_dir():
            shutil.rmtree(removed)
        else:
            removed.unlink()

    def keys(self, under: str = "") -> Iterator[str]:
        """Yield the keys of all blobs and folders, or of the folders below one key, in order."""
        beginning = beginning_below(under)
        if not under:
            for path in sorted(self._root.glob("sha256/*/*")):
                yield path.relative_to(self._root).as_posix()
        with self._folders_settled():
            folders = sorted((self._root / "folders").glob(f"{beginning}*"))
        for path in folders:
            yield path.name.replace("~", "/")

    def download_link(self, key: str, seconds: int = LINK_SECONDS, filename: str = "") -> Link:  # noqa: ARG002
        """Raise FailedPrecondition: nobody serves these files but the gateway."""
        raise _no_links("download")

    def upload_link(self, sha256: str, size: int, seconds: int = LINK_SECONDS) -> Link:  # noqa: ARG002
        """Raise FailedPrecondition: nobody takes files for this folder but the gateway."""
        raise _no_links("upload")

    def _path(self, key: str) -> Path:
        return self._root / key if is_blob_key(key) else self._folder_path(key)

    def _folder_path(self, key: str) -> Path:
        return self._root / "folders" / key.replace("/", "~")

    def _require(self, path: Path, key: str) -> Path:
        if not self._is_there(path):
            raise NotFound(f"The blob store has nothing under '{key}'.", resource=key)
        return path

    def _is_there(self, path: Path) -> bool:
        if path.exists():
            return True
        if path.parent.name != "folders":
            return False
        # It may be about to be replaced.
        with self._folders_settled():
            return path.exists()

    @contextmanager
    def _folders_settled(self) -> Iterator[None]:
        """Keep folders from being replaced by others, each of them being there: the old one or the new one."""
        with (self._root / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            superseded = [self._settle(path) for path in self._incoming.glob(f"*{_REPLACED}")]
            yield
        for path in superseded:
            shutil.rmtree(path, ignore_errors=True)

    def _settle(self, replaced: Path) -> Path:
        """Bring a folder back if what should replace it never came; return where it is to be removed otherwise."""
        target = self._root / "folders" / replaced.name.partition(".")[2].removesuffix(_REPLACED)
        draft = self._draft()
        replaced.rename(draft if target.exists() else target)
        sync_folder(target.parent)
        return draft

    def _draft(self) -> Path:
        return self._incoming / uuid.uuid4().hex

    def _move_in(self, draft: Path, target: Path) -> None:
        make_folder(target.parent, self._root)
        draft.replace(target)
        sync_folder(target.parent)

    def _remove_abandoned(self) -> None:
        oldest = time.time() - ABANDONED_SECONDS
        for entry in self._incoming.iterdir():
            if entry.name.endswith(_REPLACED):
                continue
            try:
                if entry.stat().st_mtime >= oldest:
                    continue
            except FileNotFoundError:
                continue  # its writer has just finished
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def _no_links(what: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"This Fairlead keeps blobs in a local folder and gives no links; {what} through the gateway itself, or set "
        "FAIRLEAD_BLOBS_URL=s3://bucket."
    )


def _rename_if_there(path: Path, target: Path) -> bool:
    try:
        path.rename(target)
    except FileNotFoundError:
        return False
    return True
