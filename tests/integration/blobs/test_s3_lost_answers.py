"""S3 did what it was asked, and the answer was lost: that must harm nothing that is stored."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from fairlead.kit.blobs import BlobStore
from fairlead.kit.blobs.s3.options import MIB, Sizes
from fairlead.kit.errors import Aborted, Unavailable
from tests.integration.blobs.lossy_proxy import ALWAYS, LossyProxy, lossy_proxy
from tests.integration.blobs.stores import S3Place, files_of, make_folder

KEY = "models/m1"
OLD, NEW, LAST = {"a": "old", "only-old": "1"}, {"a": "new", "b/c": "2"}, {"a": "last"}
MANIFEST = "PUT .*/manifests/"
LARGE = random.Random(1).randbytes(12 * MIB)


@pytest.fixture
def proxy(s3_place: S3Place) -> Iterator[LossyProxy]:
    with lossy_proxy(s3_place.server.endpoint) as made:
        yield made


@pytest.fixture
def store(s3_place: S3Place, proxy: LossyProxy) -> BlobStore:
    return s3_place.open(endpoint_url=proxy.url)


@pytest.mark.parametrize("replaces", [False, True], ids=["first", "replacing"])
def test_a_folder_is_stored_though_the_answer_to_its_manifest_was_lost(
    s3_place: S3Place, proxy: LossyProxy, store: BlobStore, tmp_path: Path, replaces: bool
) -> None:
    if replaces:
        store.put_folder(make_folder(tmp_path, OLD), KEY)
    proxy.lose(MANIFEST)
    store.put_folder(make_folder(tmp_path, NEW), KEY)
    assert proxy.lost
    assert files_of(s3_place.open().fetch_folder(KEY)) == NEW
    assert len(s3_place.files()) == 3, "two files and the manifest: what was replaced is gone"


@pytest.mark.parametrize("replaces", [False, True], ids=["first", "replacing"])
def test_a_folder_whose_writer_never_heard_of_its_manifest_is_whole(
    s3_place: S3Place, proxy: LossyProxy, store: BlobStore, tmp_path: Path, replaces: bool
) -> None:
    if replaces:
        store.put_folder(make_folder(tmp_path, OLD), KEY)
    proxy.lose(MANIFEST, ALWAYS)
    with pytest.raises(Unavailable):
        store.put_folder(make_folder(tmp_path, NEW), KEY)
    assert files_of(s3_place.open().fetch_folder(KEY)) == NEW
    # A day later what was replaced is removed, and nothing that counts.
    assert files_of(s3_place.open(abandoned_after=timedelta(0)).fetch_folder(KEY)) == NEW
    assert len(s3_place.files()) == 3
    proxy.lose("never")
    store.put_folder(make_folder(tmp_path, LAST), KEY)
    assert files_of(s3_place.open().fetch_folder(KEY)) == LAST


def test_a_folder_replaced_before_its_writer_heard_of_it_does_not_come_back(
    s3_place: S3Place, proxy: LossyProxy, store: BlobStore, tmp_path: Path
) -> None:
    """Its files are gone: a manifest that named them again would name nothing."""
    proxy.lose(MANIFEST)
    proxy.before_losing = lambda: s3_place.open().put_folder(make_folder(tmp_path, LAST), KEY)
    with pytest.raises(Aborted, match="Someone else changed"):
        store.put_folder(make_folder(tmp_path, NEW), KEY)
    assert files_of(s3_place.open().fetch_folder(KEY)) == LAST


COMPLETE, COPY, DELETE = r"POST .*[?&]uploadId=", r"PUT .*/sha256/[^?]*$", r"POST .*[?&]delete"


@pytest.mark.parametrize("calls", [COMPLETE, COPY, DELETE, r"POST .*[?&]uploads", "PUT .*partNumber=1"])
def test_a_large_stream_is_stored_though_an_answer_was_lost(
    s3_place: S3Place, proxy: LossyProxy, store: BlobStore, calls: str
) -> None:
    proxy.forgets_uploads = True
    proxy.lose(calls)
    stored = store.put_stream(LARGE[at : at + MIB] for at in range(0, len(LARGE), MIB))
    assert len(proxy.lost) == 1
    assert s3_place.open().fetch(stored.key).read_bytes() == LARGE
    assert s3_place.files() == [stored.key]


def test_a_large_stream_is_stored_though_its_removal_from_incoming_was_never_heard_of(
    s3_place: S3Place, proxy: LossyProxy, store: BlobStore
) -> None:
    proxy.lose(DELETE, ALWAYS)
    stored = store.put_stream(LARGE[at : at + MIB] for at in range(0, len(LARGE), MIB))
    assert proxy.lost
    assert s3_place.open().fetch(stored.key).read_bytes() == LARGE


def test_a_copy_in_parts_is_made_though_the_answer_to_its_completion_was_lost(
    s3_place: S3Place, proxy: LossyProxy
) -> None:
    store = s3_place.open(endpoint_url=proxy.url, sizes=Sizes(part=5 * MIB, copy=8 * 5 * MIB))
    data = random.Random(2).randbytes(41 * MIB)
    proxy.forgets_uploads = True
    proxy.lose("POST .*/sha256/.*[?&]uploadId=")
    stored = store.put_stream(data[at : at + MIB] for at in range(0, len(data), MIB))
    assert len(proxy.lost) == 1
    assert s3_place.open().fetch(stored.key).read_bytes() == data


def test_a_file_in_parts_is_stored_though_the_answer_to_its_completion_was_lost(
    s3_place: S3Place, proxy: LossyProxy, store: BlobStore, tmp_path: Path
) -> None:
    path = tmp_path / "large"
    path.write_bytes(LARGE)
    proxy.forgets_uploads = True
    proxy.lose(COMPLETE)
    stored = store.put_file(path)
    assert len(proxy.lost) == 1
    assert s3_place.open().fetch(stored.key).read_bytes() == LARGE


def test_an_upload_that_someone_gave_up_is_to_be_sent_again(s3_place: S3Place, store: BlobStore) -> None:
    def chunks() -> Iterator[bytes]:
        for at in range(0, len(LARGE), MIB):
            yield LARGE[at : at + MIB]
        s3_place.open(abandoned_after=timedelta(0))
        assert s3_place.uploads() == []

    with pytest.raises(Unavailable, match="send them again"):
        store.put_stream(chunks())
    assert s3_place.files() == []
