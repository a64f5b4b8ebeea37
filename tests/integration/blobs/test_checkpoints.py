"""What an attempt keeps for the next one is there on another machine, in every kind of blob store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import InvalidArgument, NotFound
from fairlead.kit.tasks import Checkpoints
from fairlead.kit.tasks.checkpoints import tasks_with_checkpoints
from tests.integration.blobs.stores import CONTENT, Place, files_of

TASK = "projects/shop/tasks/t1"


def test_entries_are_there_for_an_attempt_on_another_machine(place: Place) -> None:
    first = Checkpoints(place.open(), TASK)
    first.put("b", {"data": b"of b", "record": b"{}"})
    first.put("a", {"data": b"of a"})

    following = Checkpoints(place.open(), TASK)

    assert following.names() == ["a", "b"]
    assert files_of(following.fetch("b")) == {"data": "of b", "record": "{}"}


def test_an_entry_is_replaced_with_all_its_files(place: Place) -> None:
    first, following = Checkpoints(place.open(), TASK), Checkpoints(place.open(), TASK)
    first.put("a", {"data": b"old", "record": b"{}"})
    assert files_of(following.fetch("a")) == {"data": "old", "record": "{}"}

    first.put("a", {"data": b"new"})

    assert files_of(following.fetch("a")) == {"data": "new"}


def test_each_task_has_its_own(store: BlobStore) -> None:
    Checkpoints(store, TASK).put("a", {"data": b"1"})
    other = Checkpoints(store, f"{TASK}0")

    assert other.names() == []
    with pytest.raises(NotFound):
        other.fetch("a")
    other.put("b", {"data": b"2"})
    assert tasks_with_checkpoints(store) == {"t1", "t10"}


def test_cleared_nothing_is_left_but_what_is_not_the_tasks(store: BlobStore, place: Place) -> None:
    checkpoints = Checkpoints(store, TASK)
    for number in range(12):
        checkpoints.put(f"{number:06}", {"data": b"1"})
    kept = store.put_bytes(CONTENT)

    with ThreadPoolExecutor(2) as both:
        for cleared in [both.submit(Checkpoints(place.open(), TASK).clear) for _ in range(2)]:
            cleared.result()

    assert checkpoints.names() == []
    assert place.files() == [kept.key]
    checkpoints.clear()


def test_a_name_that_is_no_part_of_a_key_is_refused(store: BlobStore) -> None:
    with pytest.raises(InvalidArgument):
        Checkpoints(store, TASK).put("a b", {"data": b"1"})
