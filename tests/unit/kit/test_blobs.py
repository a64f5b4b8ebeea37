"""What the blob store in a local folder promises."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fairlead.kit.blobs import BlobStore, open_blob_store
from fairlead.kit.errors import FailedPrecondition, InvalidArgument, NotFound

CONTENT = b"age,income\n39,<=50K\n"
ABSENT = f"sha256/00/{'0' * 64}"


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache")


def make_folder(root: Path, files: dict[str, str]) -> Path:
    folder = Path(tempfile.mkdtemp(dir=root))
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def files_of(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def incoming(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "blobs" / "incoming").iterdir())


def test_a_blob_is_named_by_its_content(store: BlobStore) -> None:
    stored = store.put_stream(iter([CONTENT[:5], b"", CONTENT[5:]]))
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    assert (stored.key, stored.sha256, stored.size) == (f"sha256/{sha256[:2]}/{sha256}", sha256, len(CONTENT))
    assert store.fetch(stored.key).read_bytes() == CONTENT
    assert store.exists(stored.key)
    assert store.size(stored.key) == len(CONTENT)


def test_stream_file_and_bytes_make_the_same_blob_kept_once(store: BlobStore, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CONTENT)
    one, two, three = store.put_stream([CONTENT]), store.put_file(tmp_path / "a.csv"), store.put_bytes(CONTENT)
    assert one == two == three
    assert len([p for p in (tmp_path / "blobs").rglob("*") if p.is_file()]) == 1


def test_an_empty_blob_is_a_blob(store: BlobStore) -> None:
    assert store.fetch(store.put_bytes(b"").key).read_bytes() == b""


def test_a_blob_is_read_only(store: BlobStore) -> None:
    assert store.fetch(store.put_bytes(CONTENT).key).stat().st_mode & 0o777 == 0o444


def test_a_stream_that_breaks_leaves_nothing(store: BlobStore, tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield CONTENT
        raise RuntimeError("the upload broke")

    with pytest.raises(RuntimeError):
        store.put_stream(broken())
    assert incoming(tmp_path) == []


def test_a_large_stream_is_never_held_whole(store: BlobStore) -> None:
    chunk = os.urandom(1024 * 1024)
    stored = store.put_stream(chunk for _ in range(20))
    assert stored.size == 20 * len(chunk)


def test_writers_of_the_same_content_do_not_disturb_each_other(store: BlobStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = {stored.key for stored in pool.map(store.put_bytes, [CONTENT] * 40)}
    assert len(keys) == 1
    assert store.fetch(keys.pop()).read_bytes() == CONTENT


def test_a_folder_comes_back_whole(store: BlobStore, tmp_path: Path) -> None:
    files = {"MLmodel": "flavors", "native/model.pkl": "pickle", "a/b/c.txt": ""}
    key = store.put_folder(make_folder(tmp_path, files), "models/default/m1")
    assert key == "models/default/m1"
    assert files_of(store.fetch_folder(key)) == files
    assert store.size(key) == len("flavors") + len("pickle")
    assert incoming(tmp_path) == []


def test_putting_a_folder_again_replaces_it_whole(store: BlobStore, tmp_path: Path) -> None:
    store.put_folder(make_folder(tmp_path, {"old": "1", "both": "1"}), "models/default/m1")
    store.put_folder(make_folder(tmp_path, {"new": "2", "both": "2"}), "models/default/m1")
    assert files_of(store.fetch_folder("models/default/m1")) == {"both": "2", "new": "2"}
    assert incoming(tmp_path) == []


def test_writers_of_one_folder_leave_one_of_theirs(store: BlobStore, tmp_path: Path) -> None:
    folders = [make_folder(tmp_path, {"a": str(n), "b": str(n)}) for n in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda folder: store.put_folder(folder, "models/default/m1"), folders))
    files = files_of(store.fetch_folder("models/default/m1"))
    assert files["a"] == files["b"]
    assert incoming(tmp_path) == []


def test_a_prefix_of_a_folders_key_is_not_a_folder(store: BlobStore, tmp_path: Path) -> None:
    store.put_folder(make_folder(tmp_path, {"a": "1"}), "models/default/m1")
    assert not store.exists("models/default")
    with pytest.raises(NotFound):
        store.fetch_folder("models")
    store.put_folder(make_folder(tmp_path, {"b": "2"}), "models/default/m1/part")
    assert files_of(store.fetch_folder("models/default/m1")) == {"a": "1"}


def test_a_link_in_a_folder_is_refused(store: BlobStore, tmp_path: Path) -> None:
    folder = make_folder(tmp_path, {"a": "1"})
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises(InvalidArgument, match="neither a file nor a folder"):
        store.put_folder(folder, "models/default/m1")
    assert not store.exists("models/default/m1")
    assert incoming(tmp_path) == []


def test_deleted_is_gone_and_can_be_put_again(store: BlobStore, tmp_path: Path) -> None:
    blob, folder = store.put_bytes(CONTENT).key, store.put_folder(make_folder(tmp_path, {"a": "1"}), "models/m1")
    for key in (blob, folder):
        store.delete(key)
        assert not store.exists(key)
    assert store.put_bytes(CONTENT).key == blob
    assert incoming(tmp_path) == []


@pytest.mark.parametrize("key", [ABSENT, "models/default/none"])
def test_what_is_absent_is_not_found(store: BlobStore, key: str) -> None:
    assert not store.exists(key)
    fetch = store.fetch if key == ABSENT else store.fetch_folder
    for action in (fetch, store.size, store.delete):
        with pytest.raises(NotFound, match="nothing under") as caught:
            action(key)
        assert caught.value.resource == key


def test_storing_what_is_not_there_is_not_found(store: BlobStore, tmp_path: Path) -> None:
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
    assert incoming(tmp_path) == [new]


@pytest.mark.parametrize("url", ["s4://bucket", "file://relative/path", "/a/path", "file://", ""])
def test_a_url_of_no_blob_store_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="file:///absolute/folder"):
        open_blob_store(url, tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FailedPrecondition, match="can't be made"):
        open_blob_store(f"file://{tmp_path}/file/blobs", tmp_path)


def test_a_store_sees_what_another_process_put(store: BlobStore, tmp_path: Path) -> None:
    stored = store.put_bytes(CONTENT)
    other = open_blob_store(f"file://{tmp_path}/blobs", tmp_path)
    assert other.fetch(stored.key).read_bytes() == CONTENT
