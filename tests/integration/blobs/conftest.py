from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.kit.blobs import BlobStore
from tests.integration.blobs.stores import LocalPlace, Place, S3Place
from tests.servers.s3 import S3Server


@pytest.fixture
def s3_place(tmp_path: Path, s3_server: S3Server, s3_bucket: str) -> S3Place:
    return S3Place(tmp_path, s3_server, s3_bucket)


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "local":
        return LocalPlace(tmp_path)
    made: S3Place = request.getfixturevalue("s3_place")
    return made


@pytest.fixture
def store(place: Place) -> BlobStore:
    return place.open()
