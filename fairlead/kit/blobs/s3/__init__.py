"""The blob store in a bucket of S3, or of a server that speaks its protocol."""

from __future__ import annotations

from .options import S3Options
from .store import open_s3_store

__all__ = ["S3Options", "open_s3_store"]
