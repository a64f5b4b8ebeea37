"""Bytes that are not those that were stored are never handed out."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from fairlead.kit.blobs.s3.options import MIB
from fairlead.kit.errors import Internal
from tests.integration.blobs.stores import CONTENT, S3Place, files_of, make_folder

LARGE = random.Random(1).randbytes(12 * MIB)


def overwrite(place: S3Place, name: str, data: bytes) -> None:
    place.server.client().put_object(Bucket=place.bucket, Key=f"{place.prefix}/{name}", Body=data)


def copies(cache: Path) -> list[str]:
    """Return what the cache holds of blobs and folders, and what it left half done."""
    return [str(path) for path in cache.rglob("*") if path.parent.name in {"blobs", "folders", "drafts"}]


@pytest.mark.parametrize(
    ("stored", "damaged"),
    [
        (CONTENT, CONTENT.replace(b"39", b"93")),
        (CONTENT, b""),
        (CONTENT, CONTENT + b"\n"),
        (LARGE, LARGE[:-1] + bytes([LARGE[-1] ^ 1])),
    ],
    ids=["changed", "emptied", "longer", "one bit of a large one"],
)
def test_a_damaged_blob_is_told_as_data_loss(s3_place: S3Place, tmp_path: Path, stored: bytes, damaged: bytes) -> None:
    cache = tmp_path / "cache"
    store = s3_place.open(cache=cache)
    key = store.put_bytes(stored).key
    overwrite(s3_place, key, damaged)
    for _ in range(2):
        with pytest.raises(Internal, match=r"DATA LOSS.*store it again") as caught:
            store.fetch(key)
        assert caught.value.resource == key
    assert copies(cache) == []

    overwrite(s3_place, key, stored)
    assert store.fetch(key).read_bytes() == stored


def test_a_damaged_file_of_a_folder_is_told_as_data_loss(s3_place: S3Place, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    store = s3_place.open(cache=cache)
    store.put_folder(make_folder(tmp_path, {"a": "1", "b": "2"}), "models/m1")
    (name,) = (name for name in s3_place.files() if name.endswith("/b"))
    overwrite(s3_place, name, b"3")
    with pytest.raises(Internal, match="DATA LOSS"):
        store.fetch_folder("models/m1")
    assert copies(cache) == []

    s3_place.server.client().delete_object(Bucket=s3_place.bucket, Key=f"{s3_place.prefix}/{name}")
    with pytest.raises(Internal, match="lacks a file that its manifest lists"):
        store.fetch_folder("models/m1")
    assert copies(cache) == []


@pytest.mark.parametrize("path", ["../escaped", "/tmp/escaped", "a/../../escaped", "a//b", ".", ""])
def test_a_manifest_that_leads_out_of_its_folder_is_refused(s3_place: S3Place, tmp_path: Path, path: str) -> None:
    cache = tmp_path / "cache"
    store = s3_place.open(cache=cache)
    store.put_folder(make_folder(tmp_path, {"a": "1"}), "models/m1")
    (name,) = (name for name in s3_place.files() if name.startswith("manifests/"))
    client = s3_place.server.client()
    manifest = json.loads(client.get_object(Bucket=s3_place.bucket, Key=f"{s3_place.prefix}/{name}")["Body"].read())
    for field in ("files", "empty_folders"):
        evil = {**manifest, field: [{**manifest["files"][0], "path": path}] if field == "files" else [path]}
        overwrite(s3_place, name, json.dumps(evil).encode())
        with pytest.raises(Internal, match="manifest of the folder 'models/m1' is damaged"):
            store.fetch_folder("models/m1")
    overwrite(s3_place, name, b"{")
    with pytest.raises(Internal, match="is damaged"):
        store.size("models/m1")
    assert copies(cache) == []


def test_a_replaced_folder_is_read_whole_and_its_old_files_go(s3_place: S3Place, tmp_path: Path) -> None:
    store, other = s3_place.open(), s3_place.open()
    store.put_folder(make_folder(tmp_path, {"a": "1", "b": "1"}), "models/m1")
    old = other.fetch_folder("models/m1")
    store.put_folder(make_folder(tmp_path, {"a": "2", "c": "2"}), "models/m1")
    assert len(s3_place.files()) == 3, "a manifest and two files"
    assert files_of(old) == {"a": "1", "b": "1"}, "a reader keeps its copy"
    assert files_of(other.fetch_folder("models/m1")) == {"a": "2", "c": "2"}
    store.delete("models/m1")
    assert s3_place.files() == []
