"""Tasks from a real event log into each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from threading import Event as Flag

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from fairlead.api.conductor.v1.workflow_pb2 import Stage
from fairlead.api.events.v1.events_pb2 import StageStatus, TaskEvent
from fairlead.api.tasks.v1.task_pb2 import LogLine, Task, TaskState
from fairlead.kit.database import migrate, open_database
from fairlead.kit.errors import InvalidArgument
from fairlead.kit.events import Event, EventLog, Position, open_event_log, topics
from services.gateway.adapters.projection import TaskProjection
from services.gateway.adapters.schema import MIGRATIONS
from services.gateway.adapters.task_view import TaskFilter, TaskView
from services.gateway.convert import instant

START = datetime(2026, 1, 31, 17, 1, 3, tzinfo=UTC)
RUNNING, SUCCEEDED = TaskState.TASK_STATE_RUNNING, TaskState.TASK_STATE_SUCCEEDED


@dataclass
class World:
    events: EventLog
    projection: TaskProjection
    view: TaskView
    engine: Engine

    def pending(self) -> list[Event]:
        """Return all that was published, as a poll of both topics gives it: tasks first."""
        return [event for topic in (topics.TASKS, topics.LOGS) for event in self.events.replay(topic)]


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    engine = open_database(database_url, "gateway")
    migrate(engine, MIGRATIONS)
    events = open_event_log(f"sqlite:///{tmp_path}/events.db", source="trainer")
    yield World(events, TaskProjection(engine, events, lambda _: None), TaskView(engine), engine)
    events.close()


def task(
    task_id: str, state: TaskState.ValueType = RUNNING, *, minute: int = 0, kind: str = "train", parent_task: str = ""
) -> Task:
    made = instant(START + timedelta(minutes=minute))
    ended = made if state == SUCCEEDED else None
    name = f"projects/default/tasks/{task_id}"
    return Task(
        name=name, kind=kind, owner="trainer", state=state, create_time=made, end_time=ended, parent_task=parent_task
    )


def tell(world: World, told: Task, revision: int = 0) -> None:
    world.events.publish(topics.TASKS, told.name, TaskEvent(task=told, revision=revision))


def say(world: World, task_id: str, message: str) -> None:
    name = f"projects/default/tasks/{task_id}"
    line = LogLine(task=name, time=instant(START), level="INFO", source="train.fit", message=message)
    world.events.publish(topics.LOGS, name, line)


def test_a_task_is_as_its_last_event_told(world: World) -> None:
    tell(world, task("t-1"))
    tell(world, task("t-1", SUCCEEDED))
    world.projection.apply(world.pending())

    found = world.view.get("projects/default/tasks/t-1")
    assert found is not None
    assert found.state == SUCCEEDED
    assert world.view.find("t-1") == found
    assert world.view.get("projects/default/tasks/t-2") is None


def test_history_is_in_order_with_the_last_lines_before_the_end(world: World) -> None:
    tell(world, task("t-1"))
    say(world, "t-1", "one")
    say(world, "t-1", "two")
    tell(world, task("t-1", SUCCEEDED))
    world.projection.apply(world.pending())

    records = world.view.records("projects/default/tasks/t-1", 0, 100)
    assert [(record.type, record.ended) for record in records] == [
        ("TASK", False),
        ("LOG", False),
        ("LOG", False),
        ("TASK", True),
    ]
    assert world.view.end("projects/default/tasks/t-1") == records[-1]


def test_an_event_that_comes_again_changes_nothing(world: World) -> None:
    tell(world, task("t-1"))
    say(world, "t-1", "one")
    tell(world, task("t-1", SUCCEEDED))
    first = world.projection.apply(world.pending())
    again = world.projection.apply(world.pending())
    twice = world.projection.apply(world.pending()[:1] * 2)

    assert (first, again, twice) == ({"projects/default/tasks/t-1"}, set(), set())
    assert len(world.view.records("projects/default/tasks/t-1", 0, 100)) == 3
    found = world.view.get("projects/default/tasks/t-1")
    assert found is not None
    assert found.state == SUCCEEDED


def test_a_fact_is_told_by_its_own_type_and_an_end_besides(world: World) -> None:
    ended = task("w-1", SUCCEEDED)
    status = StageStatus(workflow="projects/default/workflows/w-1", stage=Stage(id="export"))
    world.events.publish(topics.TASKS, ended.name, TaskEvent(task=ended, stage_status=status))
    world.projection.apply(world.pending())

    assert [record.type for record in world.view.records(ended.name, 0, 100)] == ["STAGE_STATUS", "TASK"]


def test_an_event_that_can_not_be_read_goes_to_the_dead_letters(world: World) -> None:
    world.events.publish(topics.TASKS, "x", LogLine(message="on the wrong topic"))
    tell(world, task("t-1"))

    assert world.projection.apply(world.pending()) == {"projects/default/tasks/t-1"}
    assert world.view.has_consumed(topics.TASKS, Position(0, 2))
    assert not world.view.has_consumed(topics.TASKS, Position(0, 3))
    (rejected,) = world.events.replay(topics.dead_letter(topics.TASKS))
    assert "carries a fairlead.api.tasks.v1.LogLine" in rejected.headers["deadletterreason"]
    assert rejected.headers["deadlettergroup"] == "gateway"


def test_an_event_that_can_not_be_read_is_put_aside_once_though_its_batch_could_not_be_stored_at_first(
    world: World,
) -> None:
    world.events.publish(topics.TASKS, "x", LogLine(message="on the wrong topic"))
    tell(world, task("t-1"))
    with world.engine.begin() as connection:
        connection.execute(text("ALTER TABLE task_records RENAME TO moved"))
    for _ in range(3):
        with pytest.raises(SQLAlchemyError):
            world.projection.apply(world.pending())
    with world.engine.begin() as connection:
        connection.execute(text("ALTER TABLE moved RENAME TO task_records"))

    world.projection.apply(world.pending())

    assert len(list(world.events.replay(topics.dead_letter(topics.TASKS)))) == 1


def test_an_event_that_comes_again_moves_no_position_back(world: World) -> None:
    tell(world, task("t-1"), revision=1)
    tell(world, task("t-1", SUCCEEDED), revision=2)
    world.projection.apply(world.pending())
    world.projection.apply(world.pending()[:1])

    assert world.view.has_consumed(topics.TASKS, Position(0, 2))


def test_an_old_event_that_comes_again_long_after_the_end_changes_no_state(world: World) -> None:
    tell(world, task("t-1"), revision=1)
    tell(world, task("t-1", SUCCEEDED), revision=2)
    first, _ = events = world.pending()
    world.projection.apply(events)
    world.projection.prune(int((START + timedelta(days=31)).timestamp() * 1e6))
    world.projection.apply([first])

    found = world.view.get("projects/default/tasks/t-1")
    assert found is not None
    assert found.state == SUCCEEDED


def test_an_event_of_an_impossible_time_does_not_hold_up_the_others(world: World) -> None:
    endless = task("t-1")
    endless.create_time.seconds = 2**60
    tell(world, endless)
    tell(world, task("t-2"))

    assert world.projection.apply(world.pending()) == {"projects/default/tasks/t-2"}
    assert world.view.has_consumed(topics.TASKS, Position(0, 2))
    (rejected,) = world.events.replay(topics.dead_letter(topics.TASKS))
    assert rejected.key == "projects/default/tasks/t-1"
    assert "beyond all calendars" in rejected.headers["deadletterreason"]


def test_tasks_are_listed_newest_first_by_state_kind_and_parent(world: World) -> None:
    parent = "projects/default/tasks/w-1"
    for told in (
        task("a", SUCCEEDED, minute=0, kind="import"),
        task("b", minute=1, parent_task=parent),
        task("c", minute=2),
    ):
        tell(world, told)
    world.projection.apply(world.pending())

    def ids(chosen: TaskFilter) -> list[str]:
        return [each.name.rpartition("/")[2] for each in world.view.page("default", chosen, 0, "")[0]]

    assert ids(TaskFilter()) == ["c", "b", "a"]
    assert ids(TaskFilter(state=SUCCEEDED)) == ["a"]
    assert ids(TaskFilter(kind="train")) == ["c", "b"]
    assert ids(TaskFilter(parent_task=parent)) == ["b"]
    assert world.view.page("other", TaskFilter(), 0, "") == ([], "")


def test_pages_of_tasks_and_lines_follow_each_other(world: World) -> None:
    for index in range(5):
        tell(world, task(f"t-{index}", minute=index // 2))
        say(world, "t-0", f"line {index}")
    world.projection.apply(world.pending())

    names, token = [], ""
    while True:
        page, token = world.view.page("default", TaskFilter(), 2, token)
        names += [each.name.rpartition("/")[2] for each in page]
        if not token:
            break
    lines, more = world.view.logs("projects/default/tasks/t-0", 3, "")
    rest, end = world.view.logs("projects/default/tasks/t-0", 3, more)

    assert names == ["t-4", "t-3", "t-2", "t-1", "t-0"]
    assert [line.message for line in lines + rest] == [f"line {index}" for index in range(5)]
    assert end == ""


def test_a_token_of_another_list_is_refused(world: World) -> None:
    with pytest.raises(InvalidArgument, match="page_token"):
        world.view.page("default", TaskFilter(), 2, "eHl6")


def test_history_of_tasks_that_ended_long_ago_is_dropped(world: World) -> None:
    tell(world, task("old", SUCCEEDED))
    tell(world, task("running"))
    world.projection.apply(world.pending())

    later = int((START + timedelta(days=31)).timestamp() * 1e6)
    assert world.projection.prune(later) == 1
    assert world.view.get("projects/default/tasks/old") is not None
    assert world.view.records("projects/default/tasks/old", 0, 10) == []
    assert len(world.view.records("projects/default/tasks/running", 0, 10)) == 1


def test_gateways_that_project_the_same_events_at_once_store_each_once_and_in_order(world: World) -> None:
    for number in range(4):
        tell(world, task(f"t-{number}"), revision=1)
        say(world, f"t-{number}", "one")
        tell(world, task(f"t-{number}", SUCCEEDED), revision=2)
    gateways = 4
    at_once = Barrier(gateways)

    def project(_: int) -> None:
        gateway = TaskProjection(world.engine, world.events, lambda _: None)
        at_once.wait()
        gateway.apply(world.pending())

    with ThreadPoolExecutor(gateways) as threads:
        list(threads.map(project, range(gateways)))

    for number in range(4):
        name = f"projects/default/tasks/t-{number}"
        assert [record.type for record in world.view.records(name, 0, 100)] == ["TASK", "LOG", "TASK"]
        found = world.view.get(name)
        assert found is not None
        assert found.state == SUCCEEDED


def test_who_reads_by_number_misses_nothing_while_several_gateways_write(world: World) -> None:
    gateways, lines = 3, 20
    for number in range(gateways * lines):
        say(world, "t-1", f"line {number}")
    events = list(world.events.replay(topics.LOGS))
    done = Flag()

    def write(part: int) -> None:
        gateway = TaskProjection(world.engine, world.events, lambda _: None)
        for event in events[part::gateways]:
            gateway.apply([event])

    def read() -> list[int]:
        seen: list[int] = []
        finished = False
        while not finished:
            finished = done.is_set()
            new = world.view.records("projects/default/tasks/t-1", seen[-1] if seen else 0, 1000)
            seen += [record.sequence for record in new]
        return seen

    with ThreadPoolExecutor(gateways + 1) as threads:
        reading = threads.submit(read)
        list(threads.map(write, range(gateways)))
        done.set()
        assert len(reading.result()) == gateways * lines
