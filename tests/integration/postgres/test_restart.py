"""PostgreSQL stopped and started again under what runs: callers are told, and everything goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from fairlead.api.tasks.v1 import task_service_pb2 as api
from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_SUCCEEDED
from fairlead.api.tasks.v1.task_service_pb2_grpc import TaskServiceStub, add_TaskServiceServicer_to_server
from fairlead.kit import backends
from fairlead.kit.database import migrate
from fairlead.kit.errors import Unavailable
from fairlead.kit.events import open_event_log
from fairlead.kit.rpc.channel import connect
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import MIGRATIONS, LocalRunner, TaskOwner, TaskServicer, TaskStore
from tests.integration.conductor_house import House, stage_of, state_of
from tests.integration.postgres.restartable import RestartablePostgres

WORKER = "tests.unit.kit.tasks.sample_worker"


@pytest.fixture(scope="module")
def postgres() -> Iterator[RestartablePostgres]:
    server = RestartablePostgres()
    yield server
    server.close()


@pytest.fixture
def settings(postgres: RestartablePostgres, tmp_path: Path) -> KitSettings:
    return KitSettings(home=tmp_path, database_url=postgres.new_database(), service_token="secret")


@pytest.fixture
def store(settings: KitSettings) -> Iterator[TaskStore]:
    engine = backends.database(settings)
    migrate(engine, MIGRATIONS)
    events = open_event_log(settings.events_url, source="kit")
    yield TaskStore(engine, events, "kit")
    events.close()
    engine.dispose()


@pytest.fixture
def owner(store: TaskStore, settings: KitSettings) -> Iterator[TaskOwner]:
    environment = {"FAIRLEAD_HOME": str(settings.home), "FAIRLEAD_DATABASE_URL": settings.database_url}
    owner = TaskOwner(store, LocalRunner(WORKER, environment), concurrency=1)
    yield owner
    owner.close()


@pytest.fixture
def stub(store: TaskStore, settings: KitSettings) -> Iterator[TaskServiceStub]:
    server = RpcServer(settings, address="127.0.0.1:0")
    descriptor = api.DESCRIPTOR.services_by_name["TaskService"]
    server.add(add_TaskServiceServicer_to_server, TaskServicer(store, store), descriptor)
    server.start()
    channel = connect(f"127.0.0.1:{server.port}", token="secret")
    yield TaskServiceStub(channel)
    channel.close()
    server.stop(0)


def eventually(condition: Callable[[], object]) -> None:
    give_up = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < give_up, "it never came to hold"
        time.sleep(0.05)


@pytest.fixture
def written(capfd: pytest.CaptureFixture[str]) -> Callable[[str], bool]:
    """Whether a sentence was logged since the test began, by this process or by one that works for it."""
    kept: list[str] = []

    def was_written(sentence: str) -> bool:
        kept.extend(capfd.readouterr())
        return sentence in "".join(kept)

    return was_written


def test_callers_are_told_that_the_database_is_away_and_served_once_it_is_back(
    postgres: RestartablePostgres, stub: TaskServiceStub, store: TaskStore
) -> None:
    task = store.create("shop", "echo", StringValue())
    request = api.GetTaskRequest(name=task.name)
    assert stub.GetTask(request).task == task

    postgres.stop()
    with pytest.raises(Unavailable, match="the database of the service is away") as told:
        stub.GetTask(request)
    assert told.value.retry_after
    postgres.start()

    assert stub.GetTask(request).task == task


def test_work_under_way_outlives_a_restart_and_ends_well(
    postgres: RestartablePostgres,
    store: TaskStore,
    owner: TaskOwner,
    tmp_path: Path,
    written: Callable[[str], bool],
) -> None:
    gate = tmp_path / "gate"
    task = store.create("shop", "wait", StringValue(value=str(gate)))
    owner.submit(task)
    eventually(lambda: list(tmp_path.glob("*.started")))

    postgres.stop()
    gate.touch()
    eventually(lambda: written("the task's end waits for the database"))
    postgres.start()

    eventually(lambda: store.get(task.name).state == TASK_STATE_SUCCEEDED)
    result = StringValue()
    assert store.get(task.name).result.Unpack(result)
    assert result.value == "attempt 1"


def test_work_that_needs_the_database_meanwhile_is_done_again(
    postgres: RestartablePostgres,
    store: TaskStore,
    owner: TaskOwner,
    tmp_path: Path,
    written: Callable[[str], bool],
) -> None:
    gate = tmp_path / "gate"
    task = store.create("shop", "wait_and_read", StringValue(value=str(gate)))
    owner.submit(task)
    eventually(lambda: list(tmp_path.glob("*.started")))

    postgres.stop()
    gate.touch()
    eventually(lambda: written("the work lost its database"))
    postgres.start()

    eventually(lambda: store.get(task.name).state == TASK_STATE_SUCCEEDED)
    assert store.get(task.name).attempt == 2


def test_what_waits_for_a_worker_runs_after_a_restart(
    postgres: RestartablePostgres, store: TaskStore, owner: TaskOwner, written: Callable[[str], bool]
) -> None:
    task = store.create("shop", "nothing", StringValue())
    postgres.stop()
    owner.submit(task)
    eventually(lambda: written("it is tried again"))
    postgres.start()

    eventually(lambda: store.get(task.name).state == TASK_STATE_SUCCEEDED)


def test_workflows_under_way_go_on(postgres: RestartablePostgres, tmp_path: Path) -> None:
    house = House(tmp_path)
    house.settings["FAIRLEAD_DATABASE_URL"] = postgres.new_database()
    try:
        house.start()
        waiting = house.wait_for(house.create(require_approval=True).name, "waiting").name
        house.trainer.hold("train")
        training = house.create().name
        house.wait_for_line(training, "train is under way")

        postgres.stop()
        time.sleep(2.0)
        postgres.start()
        house.trainer.let_go("train")

        assert house.ended(training).state == "succeeded"
        assert state_of(stage_of(house.get(waiting), "review")) == "waiting"
        house.call(lambda: house.review(waiting, approve=True))
        assert house.ended(waiting).state == "succeeded"
    finally:
        house.close()
