"""Processes that use one store at once, and processes that are killed at it."""

from __future__ import annotations

import hashlib
import itertools
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import NotFound
from tests.data import ROOT
from tests.integration.blobs.program import MIB, chunks
from tests.integration.blobs.stores import LocalPlace, Place, S3Place, files_of, make_folder

LARGE = random.Random(1).randbytes(20 * MIB)


def begin(place: Place, action: str, argument: str = "-", cache: Path | None = None) -> subprocess.Popen[str]:
    endpoint = place.server.endpoint if isinstance(place, S3Place) else ""
    own = cache or Path(tempfile.mkdtemp())
    command = [sys.executable, "-m", "tests.integration.blobs.program", place.url, endpoint, str(own), action, argument]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def result(process: subprocess.Popen[str]) -> str:
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return printed.strip()


@contextmanager
def killed(process: subprocess.Popen[str]) -> Iterator[None]:
    """Run a block once the process is under way, then end it by SIGKILL."""
    assert process.stdout is not None
    assert process.stdout.readline() == "under way\n"
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def test_a_large_stream_takes_the_memory_of_a_part(place: Place, store: BlobStore) -> None:
    key, size, grown = result(begin(place, "stream", "200")).split()
    assert int(size) == 200 * MIB
    # One part of 8 MiB, one chunk, and what libraries allocate on the way.
    assert int(grown) < 32 * MIB, f"the process grew by {int(grown) / MIB:.0f} MiB"
    digest = hashlib.sha256()
    for chunk in chunks(200):
        digest.update(chunk)
    assert key.endswith(digest.hexdigest())
    assert store.size(key) == 200 * MIB


def test_a_writer_killed_midway_leaves_no_blob(place: Place, store: BlobStore) -> None:
    before = list(store.keys())
    with killed(begin(place, "endless")):
        time.sleep(0.3)
    assert list(store.keys()) == before == []
    if isinstance(place, S3Place):
        assert len(place.uploads()) == 1
        place.open(abandoned_after=timedelta(0))
        assert (place.uploads(), place.files()) == ([], [])


def test_a_folder_whose_writer_is_killed_is_old_or_new_but_whole(
    place: Place, store: BlobStore, tmp_path: Path
) -> None:
    # Each generation has files that no other has, besides those that differ.
    generations = [{**{f"{n}/file": f"{g}" * 10_000 for n in range(20)}, f"only-{g}": ""} for g in range(3)]
    folders = tmp_path / "generations"
    folders.mkdir()
    for generation in generations:
        make_folder(folders, generation)
    for pause in (0.0, 0.02, 0.05, 0.1, 0.2):
        with killed(begin(place, "put_folders", str(folders))):
            time.sleep(pause)
        try:
            assert files_of(store.fetch_folder("models/m1")) in generations
        except NotFound:
            assert not store.exists("models/m1")
    store.put_folder(make_folder(tmp_path, {"a": "last"}), "models/m1")
    assert files_of(place.open().fetch_folder("models/m1")) == {"a": "last"}
    if isinstance(place, S3Place):
        assert files_of(place.open(abandoned_after=timedelta(0)).fetch_folder("models/m1")) == {"a": "last"}
        assert len(place.files()) == 2, "one file and the manifest"


def test_a_local_folder_is_there_wherever_its_writer_was_killed(tmp_path: Path) -> None:
    place = LocalPlace(tmp_path)
    store = place.open()
    old, new = {"a": "old", "only-old": ""}, {"a": "new", "only-new": ""}
    folders = [make_folder(tmp_path, files) for files in (old, new)]
    for number in itertools.count(1):
        store.put_folder(folders[0], "models/m.1")
        process = begin(place, "put_folder_until", f"{number}:{folders[1]}")
        process.communicate()
        # Whoever has the store open misses nothing, nor does who opens it next.
        copy = LocalPlace(tmp_path / f"copy-{number}")
        shutil.copytree(tmp_path / "blobs", copy.root / "blobs")
        for opened in (store, copy.open()):
            assert files_of(opened.fetch_folder("models/m.1")) in (old, new)
            assert list(opened.keys()) == ["models/m.1"]
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
    assert number > 3
    assert files_of(store.fetch_folder("models/m.1")) == new
    store.delete("models/m.1")
    assert list(place.open().keys()) == [], "no folder comes back that was deleted"


def test_processes_that_put_the_same_file_keep_it_once(place: Place, store: BlobStore, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(LARGE)
    keys = {result(process) for process in [begin(place, "put_file", str(path)) for _ in range(4)]}
    assert len(keys) == 1
    assert place.files() == list(keys)
    assert store.fetch(keys.pop()).read_bytes() == LARGE


def test_processes_of_a_machine_download_a_blob_once(s3_place: S3Place, tmp_path: Path) -> None:
    key = s3_place.open().put_bytes(LARGE).key
    cache = tmp_path / "shared"
    paths = {result(process) for process in [begin(s3_place, "fetch", key, cache) for _ in range(4)]}
    (path,) = map(Path, paths)
    assert path.read_bytes() == LARGE
    assert path.stat().st_mode & 0o777 == 0o444
    left = [found for found in cache.rglob("*") if found.is_file() and found.parent.name in {"drafts", "blobs"}]
    assert left == [path]
