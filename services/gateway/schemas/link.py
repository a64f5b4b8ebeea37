"""Links past the gateway: files go straight to and from the object store."""

from __future__ import annotations

from pydantic import Field

from fairlead.kit.blobs import LINK_SECONDS, MAX_LINK_SECONDS
from fairlead.kit.blobs import Link as BlobLink

from .base import Request, Schema

SHA256 = "5c5e9a7d0a7e0bd6a1f5b4f2c5a7a8ea5d2a5b5f8a1f0b6c9d3e2f1a0b9c8d7e"
_URL = "https://s3.example.org/bucket/sha256/5c/5c5e9a7d?X-Amz-Signature=1f0b"


class Link(Schema):
    """A URL that whoever has it may call until it expires, by this method and with exactly these headers."""

    url: str = Field(description="The address; it needs no token.", examples=[_URL])
    method: str = Field(description="PUT to upload, GET to download.", examples=["PUT"])
    headers: dict[str, str] = Field(
        description="Send all of them; they bind an upload to its size and content.",
        examples=[
            {"Content-Length": "5326368", "x-amz-checksum-sha256": "XF6afQp+C9ah9bTyxaeo6l0qW1+KHwtsnT4vGguc..."}
        ],
    )
    expire_time: str = Field(description="When it ends.", examples=["2026-01-31T17:16:03.000Z"])

    @classmethod
    def of(cls, link: BlobLink) -> Link:
        """Return a store's link as this schema."""
        time = link.expires.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return cls(url=link.url, method=link.method, headers=dict(link.headers), expire_time=time)


class NewUpload(Request):
    """A file that shall be uploaded by a link."""

    size: int = Field(ge=1, description="Its bytes.", examples=[5326368])
    sha256: str = Field(
        pattern="^[0-9a-f]{64}$", description="The SHA-256 of its content, in hexadecimal.", examples=[SHA256]
    )
    seconds: int = Field(
        LINK_SECONDS, ge=1, le=MAX_LINK_SECONDS, description="How long the link lives.", examples=[LINK_SECONDS]
    )


class UploadedFile(Request):
    """A file that was uploaded by a link."""

    dataset_id: str = Field(description="The dataset to add a version to.", examples=["adult"])
    file_name: str = Field("", description="The file's name; its ending helps.", examples=["adult.csv"])
    sheet: str = Field("", description="For Excel: the sheet; empty means the first with a table.", examples=[""])
    size: int = Field(ge=1, description="Its bytes, as declared for the link.", examples=[5326368])
    sha256: str = Field(
        pattern="^[0-9a-f]{64}$", description="Its SHA-256, as declared for the link.", examples=[SHA256]
    )
