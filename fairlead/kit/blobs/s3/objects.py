"""The calls of S3 that the store makes, on names below its prefix, encryption and checksums with each."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from fairlead.kit.errors import FairleadError
from fairlead.kit.logging import get_logger

from .client import make_client
from .errors import ABSENT, code_of, translated
from .options import Place, S3Options

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

# Deleted in one call.
BATCH = 1000

_log = get_logger("fairlead.blobs")


@dataclass(frozen=True)
class Found:
    """An object in a listing, by its name below the prefix."""

    name: str
    size: int
    modified: datetime


class Objects:
    """The objects below a prefix of a bucket, addressed by their names below it.

    Every method raises FailedPrecondition, PermissionDenied or Unavailable where S3 does not let it; NotFound where it
    needs an object that is not there.
    """

    def __init__(self, place: Place, options: S3Options) -> None:
        self.place = place
        self.options = options
        self._making = Lock()

    @cached_property
    def _made(self) -> S3Client:
        return make_client(self.options, self.options.endpoint_url)

    @property
    def client(self) -> S3Client:
        """The client, made at the first use."""
        with self._making:
            return self._made

    @cached_property
    def encryption(self) -> dict[str, Any]:
        """What puts, uploads in parts and copies say about encryption at the server."""
        asked: dict[str, Any] = {}
        if self.options.encryption:
            asked["ServerSideEncryption"] = self.options.encryption
        if self.options.kms_key_id and self.options.encryption == "aws:kms":
            asked["SSEKMSKeyId"] = self.options.kms_key_id
        return asked

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.place.bucket

    def key(self, name: str) -> str:
        """Return the whole key of a name below the prefix."""
        return f"{self.place.prefix}{name}"

    def size(self, name: str) -> int | None:
        """Return the object's bytes, None where it is absent: one call. An absent bucket looks the same to S3."""
        from botocore.exceptions import ClientError

        with translated(self.place, name):
            try:
                return int(self.client.head_object(Bucket=self.bucket, Key=self.key(name))["ContentLength"])
            except ClientError as error:
                if code_of(error) in ABSENT:
                    return None
                raise

    def put(self, name: str, data: bytes | bytearray, sha256: bytes, **conditions: Any) -> None:
        """Store an object in one call; S3 refuses it unless the digest of what arrives is `sha256`."""
        with translated(self.place, name):
            self.client.put_object(
                Bucket=self.bucket,
                Key=self.key(name),
                Body=cast(bytes, data),  # a bytearray is taken, too
                ChecksumSHA256=in_base64(sha256),
                **self.encryption,
                **conditions,
            )

    def get(self, name: str, first: int | None = None, last: int | None = None) -> Any:
        """Return the answer with the object's bytes, or those from first to last, as a stream."""
        asked: dict[str, Any] = {}
        if first is not None:
            asked["Range"] = f"bytes={first}-{last}"
        with translated(self.place, name):
            return self.client.get_object(Bucket=self.bucket, Key=self.key(name), **asked)

    def list(self, folder: str) -> Iterator[Found]:
        """Yield the objects whose names begin with `folder`, in order of name, a call for each 1000."""
        start = len(self.place.prefix)
        with translated(self.place, folder):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=f"{self.place.prefix}{folder}"
            )
            for page in pages:
                for item in page.get("Contents", ()):
                    yield Found(item["Key"][start:], item["Size"], item["LastModified"])

    def delete(self, names: Iterable[str]) -> None:
        """Remove these objects; absent ones are no error."""
        left = [self.key(name) for name in names]
        for start in range(0, len(left), BATCH):
            with translated(self.place):
                answer = self.client.delete_objects(
                    Bucket=self.bucket,
                    Delete={"Objects": [{"Key": key} for key in left[start : start + BATCH]], "Quiet": True},
                    # Required by S3 for this call, and what it takes from everyone.
                    ChecksumAlgorithm="SHA256",
                )
            _raise_refusals(self.place, answer.get("Errors", ()))

    def discard(self, names: Iterable[str]) -> None:
        """Remove what is of no use; where S3 can't now, that is logged, and who opens the store in a day does it."""
        left = list(names)
        try:
            self.delete(left)
        except FairleadError as error:
            _log.warning("objects of no use are left", objects=len(left), first=left[0], why=error.message)


def _raise_refusals(place: Place, refusals: Iterable[Any]) -> None:
    from botocore.exceptions import ClientError

    for each in refusals:
        with translated(place, each.get("Key", "")):
            raise ClientError({"Error": {"Code": each.get("Code", ""), "Message": each.get("Message", "")}}, "Delete")


def in_base64(digest: bytes) -> str:
    """Return a digest as S3's headers have it."""
    return base64.b64encode(digest).decode("ascii")
