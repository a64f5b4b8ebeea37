"""A model version's package is downloaded through the gateway, whichever store holds it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.client import ApiError, Client
from fairlead.kit.blobs import BlobStore
from tests.servers.s3 import S3Server
from tests.unit.gateway.running import TOKEN, Running, running_gateway

PACKAGE = "/api/v1/projects/default/models/adult/versions/{}/package"
FILES = {
    "manifest.json": b'{"runtime": "MODEL_RUNTIME_ONNX"}',
    "model.onnx": os.urandom(3_000_000),
    "native/model.pkl": b"pickle" * 500_000,
    "empty.txt": b"",
}


@pytest.fixture(scope="module", params=["local", "s3"])
def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server
) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("gateway")
    if request.param == "local":
        with running_gateway(home) as running:
            yield running
        return
    bucket = s3_server.new_bucket()
    with running_gateway(home, blobs_url=f"s3://{bucket}/blobs", s3_endpoint_url=s3_server.endpoint) as running:
        yield running
    s3_server.drop(bucket)


def stored(blobs: BlobStore, folder: Path) -> str:
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return blobs.put_folder(folder, "models/default/m1")


def test_a_package_comes_as_a_zip_of_its_files(gateway: Running, tmp_path: Path) -> None:
    gateway.peers.package_blob = stored(gateway.blobs, tmp_path / "package")

    answer = gateway.http.get(PACKAGE.format(3))
    with Client(gateway.url, TOKEN) as client:
        size = client.models.download_package("adult/3", tmp_path / "package.zip")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="adult-3.zip"'
    # The same package gives the same bytes.
    assert (tmp_path / "package.zip").read_bytes() == answer.content
    assert size == len(answer.content) < sum(map(len, FILES.values()))
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES


def test_a_package_that_is_not_there_is_told(gateway: Running, tmp_path: Path) -> None:
    gateway.peers.package_blob = "models/default/gone"
    gateway.json("GET", PACKAGE.format(3), 404)

    gateway.peers.package_blob = ""
    with Client(gateway.url, TOKEN) as client, pytest.raises(ApiError, match="has no package; train the model again"):
        client.models.download_package("adult/3", tmp_path / "package.zip")
    assert [*tmp_path.iterdir()] == []
