"""What an S3 store is told: where it is, how it encrypts, how large its parts are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Self

from fairlead.kit.errors import InvalidArgument

MIB = 1024 * 1024
SCHEME = "s3://"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+=-]*(/[A-Za-z0-9_][A-Za-z0-9_.@+=-]*)*")


@dataclass(frozen=True)
class Sizes:
    """Limits of S3, and how transfers are cut; tests make them small.

    `part` bytes are held in memory by a stream, four times as many by the transfer of a file. What is larger than
    `copy` is copied within S3 in parts: S3 itself ends at 5 GiB, and one call would take minutes before. `link` is the
    largest object that S3 takes in one call.
    """

    part: int = 8 * MIB
    copy: int = 1024 * MIB
    link: int = 5 * 1024 * MIB


@dataclass(frozen=True)
class S3Options:
    """How to speak to S3; keys come from boto3's own chain (AWS_ACCESS_KEY_ID, profiles, roles)."""

    endpoint_url: str = ""
    # Of the same server as people reach it, for links.
    public_endpoint_url: str = ""
    region: str = "us-east-1"
    encryption: Literal["", "AES256", "aws:kms"] = ""
    kms_key_id: str = ""
    abandoned_after: timedelta = timedelta(days=1)
    sizes: Sizes = field(default_factory=Sizes)


@dataclass(frozen=True)
class Place:
    """A bucket and the beginning of every name in it: "" or "a/b/"."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Return the place of s3://bucket[/prefix]. Raises InvalidArgument on anything else."""
        bucket, _, prefix = url.removeprefix(SCHEME).partition("/")
        prefix = prefix.removesuffix("/")
        if not url.startswith(SCHEME) or not _BUCKET.fullmatch(bucket) or (prefix and not _PREFIX.fullmatch(prefix)):
            raise InvalidArgument(
                f"'{url}' is not the URL of a place in S3; write s3://bucket or s3://bucket/prefix, the bucket's name "
                "in lower case, the prefix of letters, digits and _.@+=- between slashes."
            )
        return cls(bucket, f"{prefix}/" if prefix else "")

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}".removesuffix("/")
