"""The blob store: `open_blob_store(url, cache)` and what it hands out."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from fairlead.kit.errors import InvalidArgument

from .local import LocalBlobStore
from .port import BlobStore, StoredBlob

__all__ = ["BlobStore", "StoredBlob", "open_blob_store"]

_FILE = "file://"


def open_blob_store(url: str, cache: Path) -> BlobStore:  # noqa: ARG001 - the port's signature, for remote stores
    """Return the blob store at `url`: file:///absolute/folder, made where absent.

    `cache` is the folder for local copies of remote blobs; a local store hands out its own files and leaves it alone.
    Raises InvalidArgument on another URL, FailedPrecondition where the folder can't be made.
    """
    path = unquote(url.removeprefix(_FILE))
    if not url.startswith(_FILE) or not path.startswith("/"):
        raise InvalidArgument(f"'{url}' is not the URL of a blob store; write file:///absolute/folder.")
    return LocalBlobStore(Path(path))
