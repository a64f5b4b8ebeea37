"""The conductor killed and stopped at any point: what it accepted goes on, and what had ended is not done again."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.api.conductor.v1.workflow_pb2 import WorkflowSpec
from fairlead.api.conductor.v1.workflow_service_pb2 import CreateWorkflowRequest
from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_RUNNING
from fairlead.kit import backends
from fairlead.kit import tasks as kit_tasks
from fairlead.kit.database import migrate, open_database
from fairlead.kit.tasks import TaskStore
from services.conductor.adapters.engine import SCHEMA
from services.conductor.adapters.records import MIGRATIONS
from tests.databases import POSTGRESQL, SQLITE
from tests.integration.conductor_house import PROJECT, House, stage_of, state_of

LONG = {"profile": "profiler", "prepare": "trainer", "train": "trainer", "export": "trainer"}


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    if request.param == POSTGRESQL:
        house.settings["FAIRLEAD_DATABASE_URL"] = request.getfixturevalue("postgres_database")
    yield house
    house.close()


def test_killed_in_each_stage_it_finishes_and_no_task_is_begun_twice(house: House) -> None:
    house.start()
    for kind, peer in LONG.items():
        getattr(house, peer).hold(kind)
    workflow = house.create(require_approval=True).name
    key = workflow.rsplit("/", 1)[-1]

    for kind, name in LONG.items():
        if kind == "export":
            house.wait_for(workflow, "waiting")
            house.kill()
            house.start()
            house.approve(workflow)
        peer = getattr(house, name)
        peer.wait_for_work(kind, workflow)
        house.kill()
        house.start()
        peer.let_go(kind)

    assert house.ended(workflow).state == "succeeded"
    assert len(house.profiler.begun) == 1
    assert len(house.trainer.begun) == 3
    # Asked for again in the stage that was under way when it was killed, never in a later one.
    asked = house.profiler.asked + house.trainer.asked
    assert all(asked[f"{key}-{kind}"] == 2 for kind in LONG), asked
    assert house.task(workflow).attempt > 5
    lines = [line.message for line in house.lines(workflow) if line.source.endswith(".work")]
    assert lines == [f"{kind} is under way" for kind in LONG]


def test_cancelled_and_killed_at_once_the_task_of_its_stage_is_cancelled_at_the_restart(house: House) -> None:
    house.start()
    house.trainer.hold("train")
    workflow = house.create().name
    child = house.trainer.wait_for_work("train", workflow)
    house.ended_stage(workflow, "select_models")
    house.wait_for_line(workflow, "train is under way")
    house.trainer.go_away()
    house.cancel(workflow)
    house.kill()
    house.trainer.come_back()

    house.start()

    assert house.ended(workflow).state == "cancelled"
    assert house.trainer.store.get(child.name).state == TASK_STATE_CANCELLED


def test_stopped_it_drains_within_seconds_and_goes_on_at_the_restart(house: House) -> None:
    house.start()
    waiting = house.wait_for(house.create(require_approval=True).name, "waiting").name
    house.trainer.hold("train")
    training = house.create().name
    house.wait_for_line(training, "train is under way")

    assert house.stop() == 0

    assert not [record for record in house.log_records() if record["level"] not in ("info", "debug")]
    house.start()
    resumed = house.running_again(waiting)
    assert (resumed.state, resumed.stage) == (TASK_STATE_RUNNING, "review")
    assert resumed.progress > 0.8
    assert state_of(stage_of(house.get(waiting), "review")) == "waiting"
    house.trainer.let_go("train")
    house.review(waiting, approve=True)
    assert (house.ended(training).state, house.ended(waiting).state) == ("succeeded", "succeeded")
    assert len(house.trainer.begun) == 6


def test_a_workflow_of_another_version_of_the_conductor_is_ended_with_a_reason(house: House) -> None:
    house.start()
    workflow = house.wait_for(house.create(require_approval=True).name, "waiting").name
    house.kill()
    steps = open_database(house.conductor_settings.workflow_url, SCHEMA)
    with steps.begin() as connection:
        connection.exec_driver_sql("UPDATE workflow_status SET application_version = '0'")
    steps.dispose()

    house.start()

    done = house.ended(workflow)
    assert done.state == "failed"
    assert "start it again" in done.error


def test_accepted_and_not_started_when_killed_it_is_started(house: House) -> None:
    database = backends.database(house.conductor_settings)
    migrate(database, kit_tasks.MIGRATIONS, MIGRATIONS)
    request = CreateWorkflowRequest(parent=PROJECT, spec=WorkflowSpec(dataset="adult"))
    task = TaskStore(database, house.events, "conductor").create("demo", "workflow", request)
    database.dispose()

    house.start()

    assert house.ended(task.name.replace("/tasks/", "/workflows/")).state == "succeeded"


def test_a_port_in_use_ends_it_with_a_clear_error(house: House) -> None:
    with socket.create_server(("127.0.0.1", house.port)):
        house.launch()

        assert house.wait_for_end() == 1

    assert f"127.0.0.1:{house.port} (or its metrics port) is in use" in house.log_file.read_text()


def test_neither_a_service_nor_a_person_is_waited_for_without_end(house: House) -> None:
    house.settings["FAIRLEAD_CONDUCTOR_PATIENCE_SECONDS"] = "1"
    house.settings["FAIRLEAD_CONDUCTOR_REVIEW_DAYS"] = "0.00001"
    house.start()

    unreviewed = house.ended(house.create(require_approval=True).name)
    house.profiler.go_away()
    unserved = house.ended(house.create().name)

    assert "nobody reviewed the run within 1e-05 days" in unreviewed.error
    assert "stayed away for 1 s" in unserved.error
    codes = [house.task(workflow.name).error_code for workflow in (unreviewed, unserved)]
    assert codes == ["FAILED_PRECONDITION", "UNAVAILABLE"]
