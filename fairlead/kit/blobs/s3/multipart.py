"""One upload in parts, and the same for a copy within S3."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from fairlead.kit.errors import FairleadError, NotFound, Unavailable
from fairlead.kit.logging import get_logger

from .errors import RETRY_SECONDS, translated
from .objects import Objects, in_base64

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CompletedPartTypeDef

MAX_PARTS = 10_000
# After this many parts of a stream the next ones are twice as large: 10,000 parts then hold more than S3 does.
PARTS_OF_A_SIZE = 1000

_log = get_logger("fairlead.blobs")


def part_bytes_of_file(size: int, least: int) -> int:
    """Return how large equal parts of a file must be to be 10,000 at most, and at least `least`."""
    return max(least, -(-size // MAX_PARTS))


def part_bytes_of_stream(number: int, least: int) -> int:
    """Return how large part `number`, from 1, of a stream of unknown length is."""
    return least << ((number - 1) // PARTS_OF_A_SIZE)


class Multipart:
    """An upload of an object that appears once `complete` returns, and never before."""

    def __init__(self, objects: Objects, name: str, upload_id: str) -> None:
        self._objects = objects
        self._name = name
        self._id = upload_id
        self._parts: dict[int, CompletedPartTypeDef] = {}
        self._sizes: dict[int, int] = {}

    def put(self, number: int, data: bytes | bytearray, sha256: bytes) -> None:
        """Store part `number`, from 1; S3 refuses it unless the digest of what arrives is `sha256`."""
        objects = self._objects
        with translated(objects.place, self._name):
            answer = objects.client.upload_part(
                Bucket=objects.bucket,
                Key=objects.key(self._name),
                UploadId=self._id,
                PartNumber=number,
                Body=cast(bytes, data),  # a bytearray is taken, too
                ChecksumSHA256=in_base64(sha256),
            )
        self._sizes[number] = len(data)
        self._parts[number] = {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": in_base64(sha256)}

    def copy(self, number: int, source: str, first: int, last: int) -> None:
        """Make part `number` of the bytes first to last of another object, inside S3."""
        objects = self._objects
        with translated(objects.place, source):
            answer = objects.client.upload_part_copy(
                Bucket=objects.bucket,
                Key=objects.key(self._name),
                UploadId=self._id,
                PartNumber=number,
                CopySource={"Bucket": objects.bucket, "Key": objects.key(source)},
                CopySourceRange=f"bytes={first}-{last}",
            )
        self._sizes[number] = last - first + 1
        self._parts[number] = {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    def complete(self) -> None:
        """Put the parts together: the object is there when this returns."""
        try:
            self._complete()
        except NotFound as error:
            # S3 forgets an upload once it is completed: told so on a repetition, the first answer was lost.
            if self._objects.size(self._name) != sum(self._sizes.values()):
                raise Unavailable(
                    f"S3 at {self._objects.place} no longer has the parts of '{self._name}'; send them again.",
                    retry_after=RETRY_SECONDS,
                ) from error

    def _complete(self) -> None:
        objects = self._objects
        with translated(objects.place, self._name):
            objects.client.complete_multipart_upload(
                Bucket=objects.bucket,
                Key=objects.key(self._name),
                UploadId=self._id,
                MultipartUpload={"Parts": [self._parts[number] for number in sorted(self._parts)]},
            )

    def abort(self) -> None:
        """Give the upload up and free its parts."""
        objects = self._objects
        with translated(objects.place, self._name):
            objects.client.abort_multipart_upload(Bucket=objects.bucket, Key=objects.key(self._name), UploadId=self._id)


@contextmanager
def multipart(objects: Objects, name: str, *, checksums: bool = True) -> Iterator[Multipart]:
    """Begin an upload in parts; it is completed where the block ends well, and aborted otherwise.

    Without checksums where its parts are copies: nothing is sent whose digest could be told.
    """
    asked: dict[str, Any] = {**objects.encryption, **({"ChecksumAlgorithm": "SHA256"} if checksums else {})}
    with translated(objects.place, name):
        begun = objects.client.create_multipart_upload(Bucket=objects.bucket, Key=objects.key(name), **asked)
    upload = Multipart(objects, name, begun["UploadId"])
    try:
        yield upload
        upload.complete()
    except BaseException:
        _abort(upload, name)
        raise


def _abort(upload: Multipart, name: str) -> None:
    try:
        upload.abort()
    except FairleadError as error:
        # What was wrong first is what the caller hears of; the parts are removed a day later.
        _log.warning("an upload was left unfinished", object=name, why=error.message)


def sha256_of(data: bytes | bytearray | memoryview) -> bytes:
    """Return the SHA-256 digest."""
    return hashlib.sha256(data).digest()
