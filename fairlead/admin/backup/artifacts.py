"""MLflow's artifacts: files below a root, in a local folder or in S3, and the URIs by which MLflow names them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from fairlead.admin.backup.files import CHUNK_BYTES, sha256_of
from fairlead.kit.blobs import S3Options
from fairlead.kit.errors import FailedPrecondition, Unavailable

if TYPE_CHECKING:
    from fairlead.admin.backup.settings import BackupSettings

FOLDER = "artifacts"
# Where MLflow keeps absolute URIs.
_COLUMNS = frozenset(
    {
        ("experiments", "artifact_location"),
        ("runs", "artifact_uri"),
        ("model_versions", "source"),
        ("model_versions", "storage_location"),
        ("logged_models", "artifact_location"),
        ("trace_tags", "value"),
    }
)


class Artifacts(Protocol):
    """The files below a root, by relative path."""

    def paths(self) -> Iterator[str]:
        """Yield the path of each file."""
        ...

    def read(self, path: str) -> Iterable[bytes]:
        """Return a file's content in chunks. Raises FileNotFoundError."""
        ...

    def write(self, path: str, source: Path) -> None:
        """Store a file."""
        ...


class LocalArtifacts:
    """Artifacts in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def paths(self) -> Iterator[str]:
        """Yield the path of each file."""
        for path in sorted(self._root.rglob("*")):
            if path.is_file():
                yield path.relative_to(self._root).as_posix()

    def read(self, path: str) -> Iterator[bytes]:
        """Return a file's content in chunks. Raises FileNotFoundError."""
        with (self._root / path).open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def write(self, path: str, source: Path) -> None:
        """Store a file."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())


class S3Artifacts:
    """Artifacts below a prefix of a bucket."""

    def __init__(self, client: Any, bucket: str, prefix: str, encryption: dict[str, str]) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._encryption = encryption

    def paths(self) -> Iterator[str]:
        """Yield the path of each object."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        for page in pages:
            for found in page.get("Contents", ()):
                if path := found["Key"].removeprefix(self._prefix):
                    yield path

    def read(self, path: str) -> Iterator[bytes]:
        """Return an object's content in chunks. Raises FileNotFoundError."""
        try:
            # MLflow's own client has S3 keep a checksum, which boto3 compares here.
            answer = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}{path}", ChecksumMode="ENABLED")
        except self._client.exceptions.NoSuchKey as error:
            raise FileNotFoundError(path) from error
        with closing(answer["Body"]) as body:
            yield from body.iter_chunks(CHUNK_BYTES)

    def write(self, path: str, source: Path) -> None:
        """Store an object, and read it again. Raises Unavailable where S3 has other bytes then."""
        self._client.upload_file(str(source), self._bucket, f"{self._prefix}{path}", ExtraArgs=self._encryption or None)
        digest = hashlib.sha256()
        for chunk in self.read(path):
            digest.update(chunk)
        if digest.hexdigest() != sha256_of(source):
            raise Unavailable(
                f"S3 has other bytes in s3://{self._bucket}/{self._prefix}{path} than it was sent; begin again"
            )


def open_artifacts(uri: str, settings: BackupSettings) -> Artifacts:
    """Return the artifacts below a root. Raises FailedPrecondition for one that is neither a folder nor in S3."""
    parsed = urlsplit(uri)
    if parsed.scheme in ("", "file"):
        return LocalArtifacts(Path(unquote(parsed.path)))
    if parsed.scheme != "s3":
        raise FailedPrecondition(f"MLflow's artifacts in {uri} can't be reached; only folders and s3:// are supported")
    from fairlead.kit.blobs.s3.client import make_client

    client = make_client(S3Options(region=settings.s3_region), settings.s3_endpoint_url)
    encryption = {"ServerSideEncryption": settings.s3_server_side_encryption, "SSEKMSKeyId": settings.s3_kms_key_id}
    asked = {name: value for name, value in encryption.items() if value}
    return S3Artifacts(client, parsed.netloc, parsed.path.strip("/"), asked)


class NewRoot:
    """Rewrites the URIs in MLflow's rows from the root that they had to another."""

    def __init__(self, old: str, new: str) -> None:
        self._new = new.rstrip("/")
        # MLflow writes a local root as a URI or as a path.
        root = old.rstrip("/")
        self._old = (root, unquote(urlsplit(root).path)) if root.startswith("file:") else (root,)

    def __call__(self, table: str, row: dict[str, Any]) -> None:
        """Change a row's URIs in place."""
        for name, value in row.items():
            if isinstance(value, str) and (table, name) in _COLUMNS:
                row[name] = self.rewrite(value)

    def rewrite(self, uri: str) -> str:
        """Return a URI below the new root; one that is not below the old root stays as it is."""
        for root in self._old:
            if uri == root or uri.startswith(f"{root}/"):
                return self._new + uri[len(root) :]
        return uri
