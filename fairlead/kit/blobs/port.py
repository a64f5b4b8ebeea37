"""The port of the blob store: bytes by content, folders by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

LINK_SECONDS = 15 * 60
# As long as S3 lets links live.
MAX_LINK_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Link:
    """A URL that whoever has it may call, by `method` and with exactly these headers, until it expires."""

    url: str
    method: str
    headers: Mapping[str, str]
    expires: datetime


@dataclass(frozen=True)
class StoredBlob:
    """Where a blob is: `key` ("sha256/ab/abcdef..."), its SHA-256 in hexadecimal and its size in bytes."""

    key: str
    sha256: str
    size: int


class BlobStore(Protocol):
    """Keeps blobs under the hash of their content, and whole folders under names such as models/default/m1.

    What is fetched is read-only and must not be changed. Bad keys raise InvalidArgument, absent ones NotFound.
    """

    def put_stream(self, chunks: Iterable[bytes]) -> StoredBlob:
        """Store the chunks as one blob, never holding more than one of them; the same bytes are kept once."""
        ...

    def put_file(self, path: Path) -> StoredBlob:
        """Store a file's content as a blob."""
        ...

    def put_bytes(self, data: bytes) -> StoredBlob:
        """Store these bytes as a blob."""
        ...

    def put_folder(self, folder: Path, key: str) -> str:
        """Store a folder's files under `key`, whole or not at all, in place of what was there; return the key."""
        ...

    def fetch(self, key: str) -> Path:
        """Return a local path of the blob."""
        ...

    def fetch_folder(self, key: str) -> Path:
        """Return a local path of the folder."""
        ...

    def exists(self, key: str) -> bool:
        """Return whether a blob or a folder has this key."""
        ...

    def size(self, key: str) -> int:
        """Return the bytes of the blob, or of all the folder's files."""
        ...

    def delete(self, key: str) -> None:
        """Remove the blob or the folder."""
        ...

    def keys(self, under: str = "") -> Iterator[str]:
        """Yield the keys of all blobs and folders; given a key, those of the folders below it alone, in order."""
        ...

    def download_link(self, key: str, seconds: int = LINK_SECONDS, filename: str = "") -> Link:
        """Return a link to GET a blob by, past the services; the browser saves it as `filename`.

        Raises InvalidArgument on a lifetime beyond 7 days, FailedPrecondition on a store that gives no links.
        """
        ...

    def upload_link(self, sha256: str, size: int, seconds: int = LINK_SECONDS) -> Link:
        """Return a link to PUT the blob of this SHA-256 and size by, past the services; other content is refused.

        Raises InvalidArgument on a size beyond 5 GiB or a lifetime beyond 7 days, FailedPrecondition on a store that
        gives no links.
        """
        ...
