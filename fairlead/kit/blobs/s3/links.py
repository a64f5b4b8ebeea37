"""Links by which a program without keys gets or puts one blob, for some time, past the services."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fairlead.kit.errors import FieldViolation, InvalidArgument, NotFound

from ..keys import blob_key, require_blob_key
from ..port import MAX_LINK_SECONDS, Link
from .client import make_client
from .errors import translated
from .objects import Objects, in_base64

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNFIT = re.compile(r'[\x00-\x1f\x7f"\\/]')


class Links:
    """Makes links; signing sends nothing."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    @cached_property
    def _client(self) -> S3Client:
        options = self._objects.options
        if not options.public_endpoint_url:
            return self._objects.client
        return make_client(options, options.public_endpoint_url)

    def download(self, key: str, seconds: int, filename: str) -> Link:
        """Return a link to GET a blob by. Raises NotFound where it is absent."""
        _require_seconds(seconds)
        if self._objects.size(require_blob_key(key)) is None:
            raise NotFound(f"The blob store has nothing under '{key}'.", resource=key)
        asked: dict[str, Any] = {"ResponseContentDisposition": disposition(filename)} if filename else {}
        return self._signed("get_object", "GET", key, seconds, {}, asked)

    def upload(self, sha256: str, size: int, seconds: int) -> Link:
        """Return a link to PUT the blob of this SHA-256 and size by; S3 refuses any other content."""
        _require_seconds(seconds)
        if not _SHA256.fullmatch(sha256):
            raise _invalid("sha256", "is not 64 hexadecimal digits in lower case")
        limit = self._objects.options.sizes.link
        if not 0 < size <= limit:
            raise _invalid("size", f"is not between 1 and {limit} bytes; larger files go through the gateway")
        checksum = in_base64(bytes.fromhex(sha256))
        encryption = self._objects.encryption
        headers = {"Content-Length": str(size), "x-amz-checksum-sha256": checksum}
        if "ServerSideEncryption" in encryption:
            headers["x-amz-server-side-encryption"] = encryption["ServerSideEncryption"]
        if "SSEKMSKeyId" in encryption:
            headers["x-amz-server-side-encryption-aws-kms-key-id"] = encryption["SSEKMSKeyId"]
        asked = {"ContentLength": size, "ChecksumSHA256": checksum, **encryption}
        return self._signed("put_object", "PUT", blob_key(sha256), seconds, headers, asked)

    def _signed(
        self, call: str, method: str, key: str, seconds: int, headers: dict[str, str], asked: dict[str, Any]
    ) -> Link:
        objects = self._objects
        expires = datetime.now(UTC) + timedelta(seconds=seconds)
        with translated(objects.place, key):
            url = self._client.generate_presigned_url(
                call, Params={"Bucket": objects.bucket, "Key": objects.key(key), **asked}, ExpiresIn=seconds
            )
        return Link(url, method, headers, expires)


def disposition(filename: str) -> str:
    """Return the Content-Disposition header by which a browser saves under a name, in ASCII and in full."""
    fit = _UNFIT.sub("_", filename)
    return f"attachment; filename=\"{fit.encode('ascii', 'replace').decode()}\"; filename*=UTF-8''{quote(fit, safe='')}"


def _require_seconds(seconds: int) -> None:
    if not 0 < seconds <= MAX_LINK_SECONDS:
        raise _invalid("seconds", f"is not between 1 and {MAX_LINK_SECONDS} (7 days)")


def _invalid(field: str, description: str) -> InvalidArgument:
    return InvalidArgument(f"{field} {description}", violations=[FieldViolation(field, description)])
