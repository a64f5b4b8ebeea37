"""What the copies of remote blobs promise: one download, a bound on disk, and nothing taken from under a reader."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from fairlead.kit.blobs.s3.cache import BlobCache
from fairlead.kit.errors import FailedPrecondition, Unavailable


def writing(text: str) -> Callable[[Path], object]:
    return lambda draft: draft.write_text(text)


def used_before(path: Path, hours: float) -> None:
    then = time.time() - hours * 3600
    os.utime(path, (then, then))


def names(root: Path) -> set[str]:
    return {path.name for folder in ("blobs", "folders", "drafts") for path in (root / folder).iterdir()}


def test_a_copy_is_made_once(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path, 100)
    path = cache.get("blobs/a", writing("1"))
    assert cache.get("blobs/a", writing("2")) == path
    assert path.read_text() == "1"


def test_readers_at_once_wait_for_one_download(tmp_path: Path) -> None:
    made: list[Path] = []
    barrier = Barrier(8)

    def download(draft: Path) -> None:
        made.append(draft)
        time.sleep(0.1)
        draft.write_text("1")

    def get(_: int) -> str:
        cache = BlobCache(tmp_path, 100)
        barrier.wait()
        return cache.get("blobs/a", download).read_text()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(get, range(8))) == {"1"}
    assert len(made) == 1
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["use"]


def test_a_download_that_fails_leaves_nothing_and_the_next_one_tries_again(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path, 100)

    def fail(draft: Path) -> None:
        draft.write_text("half")
        raise Unavailable("S3 is away")

    with pytest.raises(Unavailable):
        cache.get("blobs/a", fail)
    assert names(tmp_path) == set()
    assert cache.get("blobs/a", writing("1")).read_text() == "1"


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path, 25)
    for age, name in ((4, "blobs/a"), (5, "blobs/b")):
        used_before(cache.get(name, writing("0123456789")), age)
    used_before(cache.get("folders/c", writing("0123456789")), 3)
    assert names(tmp_path) == {"a", "c"}
    cache.get("blobs/a", writing("not called"))  # which is a use
    cache.get("blobs/d", writing("0123456789"))
    assert names(tmp_path) == {"a", "d"}


def test_what_was_used_within_the_hour_stays_whatever_its_size(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path, 5)
    for name in ("blobs/a", "blobs/b"):
        used_before(cache.get(name, writing("0123456789")), 0.9)
    cache.get("blobs/c", writing("0123456789"))
    assert names(tmp_path) == {"a", "b", "c"}
    used_before(tmp_path / "blobs/a", 1.1)
    cache.get("blobs/d", writing("1"))
    assert names(tmp_path) == {"b", "c", "d"}


def test_a_folder_counts_with_all_its_files(tmp_path: Path) -> None:
    cache = BlobCache(tmp_path, 15)

    def folder(draft: Path) -> None:
        (draft / "inner").mkdir(parents=True)
        for name in ("a", "inner/b"):
            (draft / name).write_text("0123456789")

    used_before(cache.get("folders/m1@1", folder), 2)
    assert names(tmp_path) == {"m1@1"}, "the only copy is brought even so"
    cache.get("blobs/a", writing("1"))
    assert names(tmp_path) == {"a"}


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path: Path) -> None:
    BlobCache(tmp_path, 100)
    old, new = tmp_path / "drafts" / "old", tmp_path / "drafts" / "new"
    old.mkdir()
    new.write_text("")
    used_before(old, 25)
    used_before(new, 23)
    BlobCache(tmp_path, 100)
    assert names(tmp_path) == {"new"}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FailedPrecondition, match="can't be made"):
        BlobCache(tmp_path / "file", 100)
