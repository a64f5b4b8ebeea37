"""Blob stores as tests open them: in a local folder and in a bucket of a real S3 server."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from fairlead.kit.blobs import BlobStore, S3Options, open_blob_store
from fairlead.kit.blobs.s3.options import MIB, Sizes
from tests.servers.s3 import S3Server

# The least that S3 takes; larger objects are copied within S3 in parts of it.
SMALL_PARTS = Sizes(part=5 * MIB, copy=40 * MIB)
CONTENT = b"age,income\n39,<=50K\n"
ABSENT = f"sha256/00/{'0' * 64}"


class Place(Protocol):
    """Where a store keeps things; each opening stands for another machine."""

    @property
    def url(self) -> str:
        """The store's URL."""
        ...

    def open(self, **options: Any) -> BlobStore:
        """Open the store."""
        ...

    def files(self) -> list[str]:
        """Return what the store keeps, by name."""
        ...


@dataclass(frozen=True)
class LocalPlace:
    """A local folder."""

    root: Path

    @property
    def url(self) -> str:
        return f"file://{self.root}/blobs"

    def open(self, **options: Any) -> BlobStore:
        return open_blob_store(self.url, Path(tempfile.mkdtemp(dir=self.root)))

    def files(self) -> list[str]:
        blobs = self.root / "blobs"
        names = (path.relative_to(blobs).as_posix() for path in blobs.rglob("*") if path.is_file())
        return sorted(name for name in names if name != "lock")


@dataclass(frozen=True)
class S3Place:
    """A prefix of a bucket."""

    root: Path
    server: S3Server
    bucket: str
    prefix: str = "team/blobs"

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def options(self) -> S3Options:
        return S3Options(endpoint_url=self.server.endpoint, sizes=SMALL_PARTS)

    def open(self, **options: Any) -> BlobStore:
        """Open the store with a cache of its own, unless told which."""
        cache = options.pop("cache", None) or Path(tempfile.mkdtemp(dir=self.root))
        cache_mb = options.pop("cache_mb", 100)
        return open_blob_store(self.url, cache, s3=replace(self.options, **options), cache_mb=cache_mb)

    def files(self) -> list[str]:
        pages = self.server.client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        assert all(key.startswith(f"{self.prefix}/") for key in keys), keys
        return [key.removeprefix(f"{self.prefix}/") for key in keys]

    def uploads(self) -> list[str]:
        """Return the uploads in parts that are neither completed nor aborted, by name."""
        answer = self.server.client().list_multipart_uploads(Bucket=self.bucket)
        return [upload["Key"].removeprefix(f"{self.prefix}/") for upload in answer.get("Uploads", ())]


def make_folder(root: Path, files: dict[str, str]) -> Path:
    folder = Path(tempfile.mkdtemp(dir=root))
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def files_of(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}
