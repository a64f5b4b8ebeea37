"""What is peculiar to the blob store in a local folder; tests/integration/blobs has what all stores promise."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fairlead.kit.blobs import BlobStore, open_blob_store
from fairlead.kit.errors import FailedPrecondition, InvalidArgument
from tests.data import ROOT


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache")


def test_what_a_killed_writer_left_is_removed_after_a_day(store: BlobStore, tmp_path: Path) -> None:
    old, new = tmp_path / "blobs" / "incoming" / "old", tmp_path / "blobs" / "incoming" / "new"
    old.mkdir()
    (old / "file").write_text("1")
    new.write_text("2")
    (tmp_path / "blobs" / "incoming" / "old-file").write_text("3")
    two_days_ago = time.time() - 2 * 24 * 3600
    for path in (old, old.with_name("old-file")):
        os.utime(path, (two_days_ago, two_days_ago))
    open_blob_store(f"file://{tmp_path}/blobs", tmp_path)
    assert list((tmp_path / "blobs" / "incoming").iterdir()) == [new]


def test_links_are_refused_with_what_to_do_instead(store: BlobStore) -> None:
    stored = store.put_bytes(b"a")
    with pytest.raises(FailedPrecondition, match=r"download through the gateway.*FAIRLEAD_BLOBS_URL=s3://bucket"):
        store.download_link(stored.key)
    with pytest.raises(FailedPrecondition, match="upload through the gateway"):
        store.upload_link(stored.sha256, stored.size)


@pytest.mark.parametrize("url", ["s4://bucket", "file://relative/path", "/a/path", "file://", ""])
def test_a_url_of_no_blob_store_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="file:///absolute/folder"):
        open_blob_store(url, tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FailedPrecondition, match="can't be made"):
        open_blob_store(f"file://{tmp_path}/file/blobs", tmp_path)


def test_a_local_store_loads_no_client_of_s3(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from fairlead.kit.blobs import open_blob_store
open_blob_store("file://{tmp_path}/blobs", Path("{tmp_path}/cache")).put_bytes(b"1")
assert not {{"boto3", "botocore"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
