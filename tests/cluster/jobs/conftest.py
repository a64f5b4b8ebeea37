"""A service whose work runs as Jobs: its owner here, its work in pods, its state in a folder that both see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from fairlead.api.tasks.v1.task_pb2 import LogLine, Task
from fairlead.kit import backends
from fairlead.kit.database import migrate
from fairlead.kit.events import EventLog, topics
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import MIGRATIONS, TaskOwner, TaskStore
from fairlead.kit.tasks.kubernetes.cluster import Cluster
from fairlead.kit.tasks.kubernetes.options import JobOptions
from fairlead.kit.tasks.kubernetes.runner import KubernetesRunner
from tests.cluster.jobs.place import Place, template
from tests.waiting import until

START_SECONDS = 180.0
NewOwner = Callable[..., TaskOwner]
Begin = Callable[..., Task]


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    place = Place("fairlead-jobs-test")
    place.make()
    yield place
    place.remove()


@pytest.fixture
def settings(tmp_path: Path) -> KitSettings:
    return KitSettings(home=tmp_path)


@pytest.fixture
def events(settings: KitSettings) -> Iterator[EventLog]:
    with closing(backends.event_log(settings)) as events:
        yield events


@pytest.fixture
def new_store(settings: KitSettings, events: EventLog) -> Callable[[], TaskStore]:
    """A process's view of the tasks."""
    engine = backends.database(settings)
    migrate(engine, MIGRATIONS)
    return lambda: TaskStore(engine, events, "kit")


@pytest.fixture
def store(new_store: Callable[[], TaskStore]) -> TaskStore:
    return new_store()


@pytest.fixture
def new_owner(place: Place, settings: KitSettings) -> Iterator[NewOwner]:
    """Add an owner of the service; a limit of a Job, or something of its pod, may be given."""
    with ExitStack() as stack:

        def add(
            store: TaskStore,
            *,
            account: str = "makes-jobs",
            deadline_seconds: int = 600,
            start_seconds: int = 300,
            owner: str = "",
            **pod: Any,
        ) -> TaskOwner:
            options = JobOptions(deadline_seconds, start_seconds, ttl_seconds=300, owner=owner)
            cluster = Cluster(place.client(account, settings.home), place.namespace)
            runner = KubernetesRunner(cluster, template(settings.home, **pod), "job_work", options)
            return stack.enter_context(closing(TaskOwner(store, runner, concurrency=1)))

        yield add


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """The file that work waits for; it leaves one with its attempt's number beside it."""
    return tmp_path / "gate"


@pytest.fixture
def begin(store: TaskStore, gate: Path) -> Begin:
    """Submit a task of a kind, and return it once its work is under way, or at once."""

    def submit(owner: TaskOwner, kind: str = "wait", *, under_way: bool = True) -> Task:
        task = store.create("shop", kind, StringValue(value=str(gate)))
        owner.submit(task)
        if under_way:
            until(lambda: attempt_file(gate, 1).exists(), "the work", START_SECONDS)
        return task

    return submit


@pytest.fixture
def ended(store: TaskStore) -> Callable[[Task], Task]:
    """Return a task once it has ended."""

    def wait(task: Task) -> Task:
        until(lambda: store.get(task.name).HasField("end_time"), "the task's end", START_SECONDS)
        return store.get(task.name)

    return wait


@pytest.fixture
def lines(events: EventLog) -> Callable[[Task], list[str]]:
    """The log lines of a task, in order."""
    return lambda task: [event.unpack(LogLine).message for event in events.replay(topics.LOGS, key=task.name)]


def attempt_file(gate: Path, attempt: int) -> Path:
    """The file that an attempt leaves once it is under way."""
    return gate.with_name(f"{gate.name}.{attempt}")


def result_of(task: Task) -> str:
    """Return what the work of a task came to."""
    result = StringValue()
    assert task.result.Unpack(result), task
    return result.value
