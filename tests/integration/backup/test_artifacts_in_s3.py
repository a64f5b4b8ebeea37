"""MLflow's artifacts in S3: what arrives is what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.admin.backup.artifacts import S3Artifacts
from fairlead.kit.errors import Unavailable
from tests.servers.s3 import S3Server


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> Iterator[str]:
    name = s3_server.new_bucket()
    yield name
    s3_server.drop(name)


class Rotting(S3Artifacts):
    """A store that keeps other bytes than it was sent."""

    def read(self, path: str) -> Iterator[bytes]:
        """Return the bytes, the last one changed."""
        content = b"".join(super().read(path))
        yield content[:-1] + bytes([content[-1] ^ 1])


def test_an_artifact_comes_back_as_it_was(s3_server: S3Server, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_bytes(b"flavors:")
    artifacts = S3Artifacts(s3_server.client(), bucket, "mlflow", {})

    artifacts.write("1/MLmodel", tmp_path / "MLmodel")

    assert b"".join(artifacts.read("1/MLmodel")) == b"flavors:"
    assert list(artifacts.paths()) == ["1/MLmodel"]


def test_an_artifact_that_s3_keeps_otherwise_is_told(s3_server: S3Server, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_bytes(b"flavors:")

    with pytest.raises(Unavailable, match=rf"S3 has other bytes in s3://{bucket}/mlflow/1/MLmodel than it was sent"):
        Rotting(s3_server.client(), bucket, "mlflow", {}).write("1/MLmodel", tmp_path / "MLmodel")


def test_an_artifact_that_is_not_there_is_told_as_a_file_is(s3_server: S3Server, bucket: str) -> None:
    with pytest.raises(FileNotFoundError):
        list(S3Artifacts(s3_server.client(), bucket, "mlflow", {}).read("absent"))
