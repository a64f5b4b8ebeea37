"""What attempts kept goes with their task's end, however that came, and never before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import Engine

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_FAILED, TASK_STATE_SUCCEEDED, Task
from fairlead.kit import backends
from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import Unavailable
from fairlead.kit.events import EventLog
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import Checkpoints, LocalRunner, TaskOwner, TaskStore
from fairlead.kit.tasks.clearing import Clearing
from tests.unit.kit.tasks.conftest import WORKER, Eventually
from tests.unit.kit.tasks.test_recovery import pids
from tests.waiting import until

NewOwner = Callable[[], TaskOwner]


@pytest.fixture
def blobs(settings: KitSettings) -> BlobStore:
    return backends.blob_store(settings)


@pytest.fixture
def new_owner(store: TaskStore, blobs: BlobStore, environment: dict[str, str]) -> Iterator[NewOwner]:
    with ExitStack() as stack:

        def add() -> TaskOwner:
            owner = TaskOwner(store, LocalRunner(WORKER, environment), checkpoints=blobs)
            stack.callback(owner.close)
            return owner

        yield add


@pytest.fixture
def kept(store: TaskStore, blobs: BlobStore) -> Callable[[str, str], Task]:
    """Make a task of which an attempt has kept something."""

    def make(kind: str, text: str = "") -> Task:
        task = store.create("shop", kind, StringValue(value=text))
        Checkpoints(blobs, task.name).put("a", {"data": b"1"})
        return task

    return make


Kept = Callable[..., Task]


def left(blobs: BlobStore, task: Task) -> list[str]:
    return Checkpoints(blobs, task.name).names()


@pytest.mark.parametrize(("kind", "state"), [("echo", TASK_STATE_SUCCEEDED), ("refuse", TASK_STATE_FAILED)])
def test_checkpoints_go_when_their_task_ends(
    new_owner: NewOwner, kept: Kept, store: TaskStore, blobs: BlobStore, eventually: Eventually, kind: str, state: int
) -> None:
    task = kept(kind)

    new_owner().submit(task)

    eventually(lambda: not left(blobs, task))
    assert store.get(task.name).state == state


def test_checkpoints_stay_while_the_work_is_under_way_and_go_with_a_cancel(
    new_owner: NewOwner, kept: Kept, store: TaskStore, blobs: BlobStore, tmp_path: Path, eventually: Eventually
) -> None:
    owner = new_owner()
    task, short = kept("wait", str(tmp_path / "gate")), kept("nothing")
    owner.submit(task)
    eventually(lambda: pids(tmp_path, "started"))
    owner.submit(short)
    eventually(lambda: not left(blobs, short))
    assert left(blobs, task) == ["a"]

    owner.cancel(task.name)

    eventually(lambda: not left(blobs, task))
    assert store.get(task.name).state == TASK_STATE_CANCELLED


def test_checkpoints_outlive_their_owner_and_go_where_the_task_ended_while_none_was_there(
    new_owner: NewOwner, kept: Kept, store: TaskStore, blobs: BlobStore, tmp_path: Path, eventually: Eventually
) -> None:
    first = new_owner()
    task, cancelled = kept("wait", str(tmp_path / "gate")), kept("wait")
    first.submit(task)
    eventually(lambda: pids(tmp_path, "started"))
    first.close()
    assert left(blobs, task) == left(blobs, cancelled) == ["a"]
    store.cancel(cancelled.name)

    new_owner()

    eventually(lambda: not left(blobs, cancelled))
    assert left(blobs, task) == ["a"], "its next attempt goes on with it"


def test_what_another_services_tasks_keep_is_left_alone(
    new_owner: NewOwner, kept: Kept, blobs: BlobStore, eventually: Eventually
) -> None:
    others = Checkpoints(blobs, "projects/shop/tasks/t-of-another")
    others.put("a", {"data": b"1"})
    task = kept("nothing")

    new_owner().submit(task)

    eventually(lambda: not left(blobs, task))
    assert others.names() == ["a"]


class Away(TaskStore):
    """Can't be asked at first."""

    asked = 0

    def ended(self, task_ids: Iterable[str]) -> set[str]:
        self.asked += 1
        if self.asked < 3:
            raise Unavailable("the database is away")
        return super().ended(task_ids)


def test_what_can_not_be_cleared_is_told_and_cleared_later(
    engine: Engine, events: EventLog, kept: Kept, blobs: BlobStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Away(engine, events, "kit")
    task = kept("nothing")
    store.cancel(task.name)
    clearing = Clearing(store, blobs, seconds=0.01)
    until(lambda: not left(blobs, task), "the clearing")
    clearing.close()

    assert "stay for now" in "".join(capsys.readouterr())
