"""The blob store: `open_blob_store(url, cache)` and what it hands out."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from fairlead.kit.errors import InvalidArgument

from .keys import blob_key
from .local import LocalBlobStore
from .port import LINK_SECONDS, MAX_LINK_SECONDS, BlobStore, Link, StoredBlob
from .s3 import S3Options, open_s3_store
from .s3.options import SCHEME

__all__ = [
    "LINK_SECONDS",
    "MAX_LINK_SECONDS",
    "BlobStore",
    "Link",
    "S3Options",
    "StoredBlob",
    "blob_key",
    "open_blob_store",
]

_FILE = "file://"
CACHE_MB = 10_240


def open_blob_store(url: str, cache: Path, *, s3: S3Options | None = None, cache_mb: int = CACHE_MB) -> BlobStore:
    """Return the blob store at `url`: file:///absolute/folder, made where absent, or s3://bucket[/prefix].

    `cache` is the folder for local copies of remote blobs, of at most `cache_mb` megabytes; a local store hands out its
    own files and leaves it alone. Raises InvalidArgument on another URL, FailedPrecondition where the folder can't be
    made, or the bucket can't be used.
    """
    if url.startswith(SCHEME):
        return open_s3_store(url, cache, s3 or S3Options(), cache_mb)
    path = unquote(url.removeprefix(_FILE))
    if not url.startswith(_FILE) or not path.startswith("/"):
        raise InvalidArgument(
            f"'{url}' is not the URL of a blob store; write file:///absolute/folder or s3://bucket/prefix."
        )
    return LocalBlobStore(Path(path))
