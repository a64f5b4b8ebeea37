"""The port of the blob store: bytes by content, folders by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


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
