"""Making boto3's client; boto3 is imported here, at the first call that needs it."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from fairlead.kit.errors import InvalidArgument

from .options import S3Options

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

CONNECT_SECONDS = 3.0
READ_SECONDS = 60.0
# The first call and its repetitions, with jittered pauses of up to a few seconds.
ATTEMPTS = 3
CONNECTIONS = 32

_ONE_AT_A_TIME = Lock()


def make_client(options: S3Options, endpoint_url: str) -> S3Client:
    """Return a client of the server at `endpoint_url`, of AWS where that is empty; nothing is sent yet.

    Raises InvalidArgument on a URL that is none.
    """
    from boto3.session import Session
    from botocore.config import Config

    config = Config(
        signature_version="s3v4",
        # Servers other than AWS seldom have a DNS name for each bucket.
        s3={"addressing_style": "path" if endpoint_url else "auto"},
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=CONNECTIONS,
        tcp_keepalive=True,
        # We send SHA-256 with what we put and check it on what we get: a second checksum would be for nothing.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # Sessions and the making of clients are not safe for threads; clients are.
    with _ONE_AT_A_TIME:
        try:
            return Session().client(
                "s3", endpoint_url=endpoint_url or None, region_name=options.region or None, config=config
            )
        except ValueError as error:
            raise InvalidArgument(f"FAIRLEAD_S3_ENDPOINT_URL: {error}") from error
