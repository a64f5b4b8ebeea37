"""What every blob store promises: one suite on a local folder and on a bucket of a real S3 server."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import FailedPrecondition, InvalidArgument, NotFound
from tests.integration.blobs.stores import ABSENT, CONTENT, Place, S3Place, files_of, make_folder


def incoming(place: Place) -> list[str]:
    return [name for name in place.files() if name.startswith("incoming/")]


def test_a_blob_is_named_by_its_content(store: BlobStore) -> None:
    stored = store.put_stream(iter([CONTENT[:5], b"", CONTENT[5:]]))
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    assert (stored.key, stored.sha256, stored.size) == (f"sha256/{sha256[:2]}/{sha256}", sha256, len(CONTENT))
    assert store.fetch(stored.key).read_bytes() == CONTENT
    assert store.exists(stored.key)
    assert store.size(stored.key) == len(CONTENT)


def test_stream_file_and_bytes_make_the_same_blob_kept_once(store: BlobStore, tmp_path: Path, place: Place) -> None:
    (tmp_path / "a.csv").write_bytes(CONTENT)
    one, two, three = store.put_stream([CONTENT]), store.put_file(tmp_path / "a.csv"), store.put_bytes(CONTENT)
    assert one == two == three
    assert place.files() == [one.key]


def test_an_empty_blob_is_a_blob(store: BlobStore) -> None:
    assert store.fetch(store.put_bytes(b"").key).read_bytes() == b""


def test_a_blob_is_read_only(store: BlobStore) -> None:
    assert store.fetch(store.put_bytes(CONTENT).key).stat().st_mode & 0o777 == 0o444


def test_a_stream_that_breaks_leaves_nothing(store: BlobStore, tmp_path: Path, place: Place) -> None:
    def broken() -> Iterator[bytes]:
        yield CONTENT
        raise RuntimeError("the upload broke")

    with pytest.raises(RuntimeError):
        store.put_stream(broken())
    assert incoming(place) == []


def test_a_large_stream_is_never_held_whole(store: BlobStore) -> None:
    chunk = os.urandom(1024 * 1024)
    stored = store.put_stream(chunk for _ in range(20))
    assert stored.size == 20 * len(chunk)


def test_writers_of_the_same_content_do_not_disturb_each_other(store: BlobStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = {stored.key for stored in pool.map(store.put_bytes, [CONTENT] * 40)}
    assert len(keys) == 1
    assert store.fetch(keys.pop()).read_bytes() == CONTENT


def test_a_folder_comes_back_whole(store: BlobStore, tmp_path: Path, place: Place) -> None:
    files = {"MLmodel": "flavors", "native/model.pkl": "pickle", "a/b/c.txt": ""}
    key = store.put_folder(make_folder(tmp_path, files), "models/default/m1")
    assert key == "models/default/m1"
    assert files_of(store.fetch_folder(key)) == files
    assert store.size(key) == len("flavors") + len("pickle")
    assert incoming(place) == []


def test_putting_a_folder_again_replaces_it_whole(store: BlobStore, tmp_path: Path, place: Place) -> None:
    store.put_folder(make_folder(tmp_path, {"old": "1", "both": "1"}), "models/default/m1")
    store.put_folder(make_folder(tmp_path, {"new": "2", "both": "2"}), "models/default/m1")
    assert files_of(store.fetch_folder("models/default/m1")) == {"both": "2", "new": "2"}
    assert incoming(place) == []


def test_writers_of_one_folder_leave_one_of_theirs(store: BlobStore, tmp_path: Path, place: Place) -> None:
    folders = [make_folder(tmp_path, {"a": str(n), "b": str(n)}) for n in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda folder: store.put_folder(folder, "models/default/m1"), folders))
    files = files_of(store.fetch_folder("models/default/m1"))
    assert files["a"] == files["b"]
    assert incoming(place) == []


def test_a_prefix_of_a_folders_key_is_not_a_folder(store: BlobStore, tmp_path: Path, place: Place) -> None:
    store.put_folder(make_folder(tmp_path, {"a": "1"}), "models/default/m1")
    assert not store.exists("models/default")
    with pytest.raises(NotFound):
        store.fetch_folder("models")
    store.put_folder(make_folder(tmp_path, {"b": "2"}), "models/default/m1/part")
    assert files_of(store.fetch_folder("models/default/m1")) == {"a": "1"}


def test_a_link_in_a_folder_is_refused(store: BlobStore, tmp_path: Path, place: Place) -> None:
    folder = make_folder(tmp_path, {"a": "1"})
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises(InvalidArgument, match="neither a file nor a folder"):
        store.put_folder(folder, "models/default/m1")
    assert not store.exists("models/default/m1")
    assert incoming(place) == []


def test_deleted_is_gone_and_can_be_put_again(store: BlobStore, tmp_path: Path, place: Place) -> None:
    blob, folder = store.put_bytes(CONTENT).key, store.put_folder(make_folder(tmp_path, {"a": "1"}), "models/m1")
    for key in (blob, folder):
        store.delete(key)
        assert not store.exists(key)
    assert store.put_bytes(CONTENT).key == blob
    assert incoming(place) == []


@pytest.mark.parametrize("key", [ABSENT, "models/default/none"])
def test_what_is_absent_is_not_found(store: BlobStore, key: str) -> None:
    assert not store.exists(key)
    fetch = store.fetch if key == ABSENT else store.fetch_folder
    for action in (fetch, store.size, store.delete):
        with pytest.raises(NotFound, match="nothing under") as caught:
            action(key)
        assert caught.value.resource == key


def test_storing_what_is_not_there_is_not_found(store: BlobStore, tmp_path: Path, place: Place) -> None:
    with pytest.raises(NotFound):
        store.put_file(tmp_path / "none")
    with pytest.raises(NotFound):
        store.put_folder(tmp_path / "none", "models/m1")


BAD_KEYS = ["", "/etc", "../x", "a/../b", "a//b", "a/", ".hidden", "a/.b", "a~b", "a b", "a\\b", "a\nb", "x" * 201, "ä"]


@pytest.mark.parametrize("key", [*BAD_KEYS, "sha256/x", "sha256/ab/" + "c" * 64])
def test_a_bad_key_is_refused_everywhere(store: BlobStore, tmp_path: Path, key: str) -> None:
    folder = make_folder(tmp_path, {"a": "1"})
    for action in (store.fetch, store.fetch_folder, store.exists, store.size, store.delete):
        with pytest.raises(InvalidArgument):
            action(key)
    with pytest.raises(InvalidArgument):
        store.put_folder(folder, key)


def test_a_store_sees_what_another_process_put(store: BlobStore, tmp_path: Path, place: Place) -> None:
    stored = store.put_bytes(CONTENT)
    other = place.open()
    assert other.fetch(stored.key).read_bytes() == CONTENT


def test_keys_lists_blobs_and_folders_but_nothing_unfinished(store: BlobStore, tmp_path: Path) -> None:
    assert list(store.keys()) == []
    folder = make_folder(tmp_path, {"a": "1", "b/c": "2"})
    blobs = {store.put_bytes(bytes([n])).key for n in range(5)}
    folders = {store.put_folder(folder, key) for key in ("models/default/m1", "models/default/m1/part", "models_x")}
    listed = list(store.keys())
    assert (len(listed), set(listed)) == (8, blobs | folders)


def test_keys_below_one_key_are_its_folders_alone(store: BlobStore, tmp_path: Path) -> None:
    folder = make_folder(tmp_path, {"a": "1"})
    store.put_bytes(CONTENT)
    for key in ("attempts/t1/b", "attempts/t1/a", "attempts/t1/a/part", "attempts/t10/a", "attempts/t1", "models/t1/a"):
        store.put_folder(folder, key)

    assert sorted(store.keys("attempts/t1")) == ["attempts/t1/a", "attempts/t1/a/part", "attempts/t1/b"]
    assert list(store.keys("attempts/t10")) == ["attempts/t10/a"]
    assert list(store.keys("attempts/t")) == list(store.keys("none")) == []
    for no_key in ("attempts/", "sha256", "*", "../models"):
        with pytest.raises(InvalidArgument):
            list(store.keys(no_key))


def test_keys_below_one_key_come_in_order_and_need_no_listing_of_the_others(
    s3_place: S3Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = s3_place.open()
    folder = make_folder(tmp_path, {"a": "1"})
    for number in (2, 0, 1):
        store.put_folder(folder, f"attempts/t1/{number:06}")
    store.put_folder(folder, "models/m1")

    with caplog.at_level("DEBUG", "botocore.endpoint"):
        listed = list(store.keys("attempts/t1"))

    assert listed == [f"attempts/t1/{number:06}" for number in range(3)]
    (call,) = [record.getMessage() for record in caplog.records if "Making request" in record.getMessage()]
    assert "manifests/attempts~t1~" in call or "manifests%2Fattempts~t1~" in call


@pytest.mark.parametrize(
    "key", ["s3://other-bucket/sha256", "https://x.org/a", "%2e%2e/secret", "a/%2e%2e/b", "a?b", "a*"]
)
def test_a_url_or_an_encoded_path_is_no_key(store: BlobStore, key: str) -> None:
    for action in (store.fetch, store.fetch_folder, store.exists, store.size, store.delete, store.download_link):
        with pytest.raises((InvalidArgument, FailedPrecondition)):
            action(key)


def test_a_folder_keeps_its_empty_folders_and_odd_names(store: BlobStore, place: Place, tmp_path: Path) -> None:
    names = ["a b.txt", "ä/ö+ü.txt", "100%.txt", "x?y&z=1#2", "~tilde", "trailing ", "quote'\""]
    folder = make_folder(tmp_path, {name: name for name in names})
    (folder / "empty" / "inner").mkdir(parents=True)
    store.put_folder(folder, "models/m1")
    fetched = place.open().fetch_folder("models/m1")
    assert files_of(fetched) == {name: name for name in names}
    assert (fetched / "empty" / "inner").is_dir()
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in fetched.rglob("*") if path.is_file())


def test_a_folder_without_files_is_a_folder(store: BlobStore, tmp_path: Path) -> None:
    store.put_folder(make_folder(tmp_path, {}), "models/m1")
    assert store.exists("models/m1")
    assert list(store.fetch_folder("models/m1").iterdir()) == []
