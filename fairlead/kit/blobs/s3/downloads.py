"""Bringing an object to a local file, and refusing bytes that are not those that were stored."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fairlead.kit.errors import Internal, Unavailable
from fairlead.kit.full_disk import room_needed

from ..durable_files import READ_ONLY
from .errors import RETRY_SECONDS, translated
from .objects import Objects
from .options import MIB

PARALLEL_RANGES = 4
# At one range, whose connection may break off midway.
ATTEMPTS = 3


def download(objects: Objects, name: str, target: Path, sha256: str) -> int:
    """Write the object's bytes to the new, read-only file `target` and return how many they are.

    Large ones come in parallel ranges. Raises NotFound where it is absent, Internal where its SHA-256 is not `sha256`,
    ResourceExhausted where the disk is full; no file is left then.
    """
    try:
        with room_needed(f"the copies of blobs at {target.parent}"), target.open("xb") as file:
            size = _fill(objects, name, file.fileno())
            os.fchmod(file.fileno(), READ_ONLY)
            # Copies outlive a power cut, after which they are not checked again.
            os.fsync(file.fileno())
        if _sha256_of(target) != sha256:
            raise Internal(
                f"DATA LOSS: the object {objects.place}/{name} does not have the bytes that were stored (their SHA-256 "
                f"was {sha256}); store it again, or restore it from a backup.",
                resource=name,
            )
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return size


def _fill(objects: Objects, name: str, descriptor: int) -> int:
    """Write the object at the beginning of an open file; the first answer tells how much there is."""
    part = objects.options.sizes.part
    first = objects.get(name)
    size = int(first["ContentLength"])

    def fill(start: int, answer: Any = None) -> None:
        end = min(size, start + part)
        for left in reversed(range(ATTEMPTS)):
            try:
                _write(objects, name, descriptor, answer or objects.get(name, start, end - 1), start, end)
                return
            except Unavailable:
                if not left:
                    raise
            answer = None

    fill(0, first)
    if size > part:
        with ThreadPoolExecutor(PARALLEL_RANGES) as pool:
            for _ in pool.map(fill, range(part, size, part)):
                pass
    return size


def _write(objects: Objects, name: str, descriptor: int, answer: Any, start: int, end: int) -> None:
    at = start
    with translated(objects.place, name), answer["Body"] as body:
        while at < end:
            chunk = _read(body, min(MIB, end - at))
            if not chunk:
                raise Unavailable(
                    f"S3 broke {objects.place}/{name} off after {at} bytes; try again.", retry_after=RETRY_SECONDS
                )
            os.pwrite(descriptor, chunk, at)
            at += len(chunk)


def _read(body: Any, size: int) -> bytes:
    return bytes(body.read(size))


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
