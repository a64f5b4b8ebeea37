"""Checkpoints that are kept beside the work: the latest state of an entry, and nothing that ends the work."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fairlead.kit.blobs import BlobStore, open_blob_store
from fairlead.kit.errors import Unavailable
from fairlead.kit.tasks import Checkpoints, CheckpointWriter
from tests.waiting import until

TASK = "projects/shop/tasks/t1"


class Held(Checkpoints):
    """Puts an entry once the test lets it, and counts the tries."""

    def __init__(self, blobs: BlobStore) -> None:
        super().__init__(blobs, TASK)
        self.open = threading.Event()
        self.away = False
        self.tries = 0

    def put(self, name: str, files: Mapping[str, bytes]) -> None:
        self.tries += 1
        assert self.open.wait(60)
        if self.away:
            raise Unavailable("S3 can't be reached")
        super().put(name, files)


@pytest.fixture
def checkpoints(tmp_path: Path) -> Iterator[Held]:
    held = Held(open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache"))
    yield held
    held.open.set()


def content(checkpoints: Checkpoints, name: str) -> bytes:
    return (checkpoints.fetch(name) / "data").read_bytes()


def test_the_work_waits_for_no_put_and_of_a_name_the_latest_counts(checkpoints: Held) -> None:
    writer = CheckpointWriter(checkpoints)
    for number in range(5):
        writer.put("a", lambda number=number: {"data": b"%d" % number})
    writer.put("b", lambda: {"data": b"other"})
    assert checkpoints.names() == []

    checkpoints.open.set()
    writer.close(60)

    assert checkpoints.names() == ["a", "b"]
    assert content(checkpoints, "a") == b"4"
    assert checkpoints.tries <= 3


def test_several_threads_put_the_states_of_an_entry_one_after_the_other(checkpoints: Held) -> None:
    checkpoints.open.set()
    writer = CheckpointWriter(checkpoints, threads=4)
    for number in range(40):
        writer.put(f"{number % 4}", lambda number=number: {"data": b"%d" % number})
    writer.close(60)

    assert [content(checkpoints, name) for name in "0123"] == [b"36", b"37", b"38", b"39"]


def test_what_can_not_be_put_is_put_again_and_told_once(checkpoints: Held, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoints.away = True
    checkpoints.open.set()
    writer = CheckpointWriter(checkpoints, pause_seconds=0.01)
    writer.put("a", lambda: {"data": b"1"})
    until(lambda: checkpoints.tries > 3, "several tries")
    checkpoints.away = False
    until(lambda: checkpoints.names() == ["a"], "the entry")
    writer.close(60)

    told = "".join(capsys.readouterr())
    assert told.count("can't be kept now") == 1
    assert "S3 can't be reached" in told
    assert told.count("kept again") == 1


def test_what_can_not_be_made_is_told_and_the_others_are_kept(
    checkpoints: Held, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoints.open.set()
    writer = CheckpointWriter(checkpoints)
    writer.put("a", lambda: {"data": b"%d" % (1 // 0)})
    writer.put("b", lambda: {"data": b"1"})
    writer.close(60)

    assert checkpoints.names() == ["b"]
    assert "ZeroDivisionError" in "".join(capsys.readouterr())


def test_work_that_is_told_to_end_waits_for_what_is_not_kept_yet(checkpoints: Held) -> None:
    with pytest.raises(SystemExit), CheckpointWriter(checkpoints) as writer:
        writer.put("a", lambda: {"data": b"1"})
        writer.put("b", lambda: {"data": b"2"})
        checkpoints.open.set()
        raise SystemExit(143)

    assert checkpoints.names() == ["a", "b"]


def test_work_that_is_told_to_end_does_not_wait_for_a_store_that_is_away(
    checkpoints: Held, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = CheckpointWriter(checkpoints)
    writer.put("a", lambda: {"data": b"1"})
    until(lambda: checkpoints.tries == 1, "a try")
    writer.put("b", lambda: {"data": b"2"})

    writer.close(0.05)

    assert "entries=1" in "".join(capsys.readouterr())


def test_work_that_came_to_its_end_keeps_nothing_more(checkpoints: Held) -> None:
    with CheckpointWriter(checkpoints) as writer:
        writer.put("a", lambda: {"data": b"1"})
        until(lambda: checkpoints.tries == 1, "a try")
        writer.put("b", lambda: {"data": b"2"})
        checkpoints.open.set()

    assert checkpoints.names() in ([], ["a"], ["a", "b"])
    assert checkpoints.tries <= 2
