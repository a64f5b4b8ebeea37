"""The blob store in a bucket.

    {prefix}/sha256/ab/abcdef...                     one object a blob
    {prefix}/manifests/models~p~id.json              which generation of a folder counts, and its files
    {prefix}/folders/models~p~id/{generation}/...    the files of a generation
    {prefix}/incoming/                               what is being written, and marks of folders that change

Several processes on several machines may use it at once. What is fetched is copied to a folder that the processes of a
machine share.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from fairlead.kit.errors import NotFound

from ..keys import is_blob_key, require_blob_key, require_folder_key
from ..port import LINK_SECONDS, Link, StoredBlob
from .abandoned import remove_abandoned
from .cache import BlobCache
from .downloads import download
from .folders import Folders
from .links import Links
from .objects import Objects
from .options import MIB, Place, S3Options
from .uploads import put_file, put_stream

# Workers open the store for every task: what others left is looked for by one of them an hour.
LOOK_SECONDS = 3600.0


def open_s3_store(url: str, cache: Path, options: S3Options, cache_mb: int) -> S3BlobStore:
    """Return the store at s3://bucket[/prefix], with copies in a folder of its own below `cache`.

    The first opening on a machine within an hour speaks to S3, to remove what killed writers left. Raises
    InvalidArgument on another URL; FailedPrecondition where the bucket is absent, the keys are wrong or the cache can't
    be made. An S3 that is away does not hinder it.
    """
    place = Place.of(url)
    # Two servers may each have a bucket of this name.
    own = cache / sha256(f"{options.endpoint_url} {place}".encode()).hexdigest()[:16]
    objects, copies = Objects(place, options), BlobCache(own, cache_mb * MIB)
    store = S3BlobStore(objects, copies)
    looked, seconds = own / "looked", min(LOOK_SECONDS, options.abandoned_after.total_seconds())
    is_due = not looked.exists() or looked.stat().st_mtime < time.time() - seconds
    if is_due and remove_abandoned(objects, Folders(objects, copies)):
        looked.touch()
    return store


class S3BlobStore:
    """See fairlead.kit.blobs.BlobStore."""

    def __init__(self, objects: Objects, cache: BlobCache) -> None:
        self._objects = objects
        self._cache = cache
        self._folders = Folders(objects, cache)
        self._links = Links(objects)

    def put_stream(self, chunks: Iterable[bytes]) -> StoredBlob:
        """Store the chunks as one blob, in memory of one part (8 MiB; more only beyond 8 GB)."""
        return put_stream(self._objects, chunks)

    def put_file(self, path: Path) -> StoredBlob:
        """Store a file's content as a blob; raises NotFound where there is no such file, Aborted where it changes."""
        return put_file(self._objects, path)

    def put_bytes(self, data: bytes) -> StoredBlob:
        """Store these bytes as a blob."""
        return self.put_stream((data,))

    def put_folder(self, folder: Path, key: str) -> str:
        """Store a folder's files under `key`, whole or not at all, in place of what was there; return the key.

        Raises NotFound where there is no such folder, InvalidArgument on a link in it, Aborted where it changes.
        """
        return self._folders.put(folder, require_folder_key(key))

    def fetch(self, key: str) -> Path:
        """Return the path of a read-only copy of the blob; raises Internal where S3 has other bytes than were stored.

        A copy that is there is used without a call: content never changes.
        """
        digest = require_blob_key(key).rpartition("/")[2]
        return self._cache.get(f"blobs/{digest}", lambda draft: download(self._objects, key, draft, digest))

    def fetch_folder(self, key: str) -> Path:
        """Return the path of a read-only copy of the folder as it is now: one call, where the copy is there.

        Raises Internal where S3 has other bytes than were stored.
        """
        return self._folders.fetch(require_folder_key(key))

    def exists(self, key: str) -> bool:
        """Return whether a blob or a folder has this key: one call."""
        if is_blob_key(key):
            return self._objects.size(key) is not None
        return self._folders.exists(key)

    def size(self, key: str) -> int:
        """Return the bytes of the blob, or of all the folder's files: one call."""
        if not is_blob_key(key):
            return self._folders.manifest(key).size
        size = self._objects.size(key)
        if size is None:
            raise NotFound(f"The blob store has nothing under '{key}'.", resource=key)
        return size

    def delete(self, key: str) -> None:
        """Remove the blob or the folder, and this machine's copy; other machines' copies go when they are not used."""
        if not is_blob_key(key):
            self._folders.delete(key)
            return
        self.size(key)
        self._objects.delete([key])
        self._cache.remove(f"blobs/{key.rpartition('/')[2]}")

    def keys(self, under: str = "") -> Iterator[str]:
        """Yield the keys of all blobs and folders, or of the folders below one key, a call for each 1000."""
        if not under:
            for found in self._objects.list("sha256/"):
                if is_blob_key(found.name):
                    yield found.name
        yield from self._folders.keys(under)

    def download_link(self, key: str, seconds: int = LINK_SECONDS, filename: str = "") -> Link:
        """Return a link to GET a blob by; the browser saves it as `filename`."""
        return self._links.download(key, seconds, filename)

    def upload_link(self, sha256: str, size: int, seconds: int = LINK_SECONDS) -> Link:
        """Return a link to PUT the blob of this SHA-256 and size by."""
        return self._links.upload(sha256, size, seconds)
