"""Bringing bytes into S3 under the hash of their content, in memory of one part."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fairlead.kit.errors import Aborted, Internal, NotFound

from ..keys import blob_key
from ..port import StoredBlob
from .errors import translated
from .multipart import Multipart, multipart, part_bytes_of_file, part_bytes_of_stream, sha256_of
from .objects import Objects, in_base64
from .options import MIB

INCOMING = "incoming/"
PARALLEL_PARTS = 4
# Sent without asking first whether S3 has it: sending is as quick as asking.
SMALL = MIB


def put_stream(objects: Objects, chunks: Iterable[bytes]) -> StoredBlob:
    """Store the chunks as one blob.

    Up to one part goes to its place at once, for its hash is known; more goes to incoming/ part by part and is then
    moved within S3.
    """
    digest = hashlib.sha256()
    least = objects.options.sizes.part
    buffer = bytearray()
    chunks = iter(chunks)
    for chunk in chunks:
        digest.update(chunk)
        buffer += chunk
        if len(buffer) > least:
            return _put_large(objects, digest, buffer, chunks)
    stored = _stored(digest.hexdigest(), len(buffer))
    if stored.size <= SMALL or not has(objects, stored):
        objects.put(stored.key, buffer, digest.digest())
    return stored


def put_file(objects: Objects, path: Path) -> StoredBlob:
    """Store a file's content as a blob: read once for its hash, and again to send it where S3 lacks it.

    Raises NotFound where there is no such file, Aborted where it is changed meanwhile.
    """
    if not path.is_file():
        raise NotFound(f"The file {path} to store is not there.")
    found = hash_file(path, objects.options.sizes.part)
    stored = _stored(found.sha256, found.size)
    if stored.size <= SMALL or not has(objects, stored):
        put_hashed_file(objects, path, stored.key, found)
    return stored


@dataclass(frozen=True)
class HashedFile:
    """A file's size, SHA-256 in hexadecimal, and the digests of its parts of `part` bytes."""

    size: int
    sha256: str
    part: int
    digests: tuple[bytes, ...]


def hash_file(path: Path, least_part: int) -> HashedFile:
    """Read a file once and return its hashes."""
    part = part_bytes_of_file(path.stat().st_size, least_part)
    digests: list[bytes] = []
    whole, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while True:
            of_part, left = hashlib.sha256(), part
            while left and (chunk := file.read(min(left, MIB))):
                whole.update(chunk)
                of_part.update(chunk)
                left -= len(chunk)
            if left == part and digests:
                break
            digests.append(of_part.digest())
            size += part - left
            if left:
                break
    return HashedFile(size, whole.hexdigest(), part, tuple(digests))


def put_hashed_file(objects: Objects, path: Path, name: str, hashed: HashedFile) -> None:
    """Store a file as the object `name`, in parallel parts where it has several. Raises Aborted where it changed."""
    if len(hashed.digests) == 1:
        objects.put(name, _part(path, hashed, 0), hashed.digests[0])
        return

    with multipart(objects, name) as upload, ThreadPoolExecutor(PARALLEL_PARTS) as pool:

        def put(index: int) -> None:
            upload.put(index + 1, _part(path, hashed, index), hashed.digests[index])

        try:
            for _ in pool.map(put, range(len(hashed.digests))):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def has(objects: Objects, stored: StoredBlob) -> bool:
    """Return whether S3 has the blob, whole: one call."""
    return objects.size(stored.key) == stored.size


def _part(path: Path, hashed: HashedFile, index: int) -> bytes:
    with path.open("rb") as file:
        data = os.pread(file.fileno(), hashed.part, index * hashed.part)
    if sha256_of(data) != hashed.digests[index]:
        raise Aborted(f"The file {path} was changed while it was stored; store it again once it is complete.")
    return data


def _put_large(objects: Objects, digest: hashlib._Hash, buffer: bytearray, chunks: Iterable[bytes]) -> StoredBlob:
    incoming = f"{INCOMING}{uuid.uuid4().hex}"
    with multipart(objects, incoming) as upload:
        size = _put_parts(upload, objects.options.sizes.part, digest, buffer, chunks)
    stored = _stored(digest.hexdigest(), size)
    try:
        if not has(objects, stored):
            _move(objects, incoming, stored)
    finally:
        objects.discard([incoming])
    return stored


def _put_parts(upload: Multipart, least: int, digest: hashlib._Hash, buffer: bytearray, chunks: Iterable[bytes]) -> int:
    """Send buffer and chunks as parts and return their bytes in all."""
    number, size = 1, len(buffer)
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        buffer += chunk
        if len(buffer) >= part_bytes_of_stream(number, least):
            upload.put(number, buffer, sha256_of(buffer))
            number += 1
            buffer.clear()
    if buffer:
        upload.put(number, buffer, sha256_of(buffer))
    return size


def _move(objects: Objects, source: str, stored: StoredBlob) -> None:
    """Copy an object to its blob's place within S3, in parts where it is too large for one call."""
    limit = objects.options.sizes.copy
    if stored.size <= limit:
        _copy(objects, source, stored)
        return
    part = part_bytes_of_file(stored.size, limit // 8)
    with multipart(objects, stored.key, checksums=False) as upload, ThreadPoolExecutor(PARALLEL_PARTS) as pool:

        def copy(index: int) -> None:
            upload.copy(index + 1, source, index * part, min(stored.size, (index + 1) * part) - 1)

        for _ in pool.map(copy, range(-(-stored.size // part))):
            pass


def _copy(objects: Objects, source: str, stored: StoredBlob) -> None:
    with translated(objects.place, source):
        answer = objects.client.copy_object(
            Bucket=objects.bucket,
            Key=objects.key(stored.key),
            CopySource={"Bucket": objects.bucket, "Key": objects.key(source)},
            ChecksumAlgorithm="SHA256",
            **objects.encryption,
        )
    # A server that counts it tells the digest of the whole; others are believed until the blob is fetched.
    counted = answer["CopyObjectResult"].get("ChecksumSHA256")
    if counted and "-" not in counted and counted != in_base64(bytes.fromhex(stored.sha256)):
        objects.delete([stored.key])
        raise Internal(
            f"S3 at {objects.place} damaged what was sent: the SHA-256 is not {stored.sha256}; send it again."
        )


def _stored(sha256: str, size: int) -> StoredBlob:
    return StoredBlob(blob_key(sha256), sha256, size)
