"""Passing on what a stage's task tells, over a real log and real stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag

import pytest

from fairlead.api.conductor.v1.workflow_pb2 import Workflow
from fairlead.api.events.v1.events_pb2 import TaskEvent, TrainProgress
from fairlead.api.tasks.v1.task_pb2 import LogLine, Task
from fairlead.kit.database import migrate, open_database
from fairlead.kit.events import Event, EventLog, open_event_log, topics
from fairlead.kit.tasks import MIGRATIONS, TaskStore
from services.conductor.adapters.job import Job
from services.conductor.adapters.peers import Peers
from services.conductor.adapters.records import MIGRATIONS as OWN
from services.conductor.adapters.records import WorkflowRecords
from services.conductor.adapters.relay import Relay
from services.conductor.settings import ConductorSettings


@dataclass
class World:
    """A workflow with its own task, and a stage's task of another service."""

    events: EventLog
    job: Job
    stage: Task
    trainer: TaskStore

    def relay(self) -> Relay:
        return Relay(self.events, self.job, self.stage)

    def lines(self) -> list[str]:
        return [event.unpack(LogLine).message for event in self.events.replay(topics.LOGS, key=self.job.task)]

    def trials(self) -> list[int]:
        told = [event.unpack(TaskEvent) for event in self.events.replay(topics.TASKS, key=self.job.task)]
        return [each.train_progress.trials_done for each in told if each.HasField("train_progress")]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    events = open_event_log(f"sqlite:///{tmp_path}/events.db", source="test")
    conductor, trainer = (open_database(f"sqlite:///{tmp_path}/{name}.db") for name in ("conductor", "trainer"))
    migrate(conductor, MIGRATIONS, OWN)
    migrate(trainer, MIGRATIONS)
    tasks, records = TaskStore(conductor, events, "conductor"), WorkflowRecords(conductor)
    own = tasks.create("demo", "workflow", LogLine())
    workflow = Workflow(name=own.name.replace("/tasks/", "/workflows/"))
    records.add(workflow)
    job = Job(workflow.name, records, tasks, Peers.at(ConductorSettings(home=tmp_path)), Flag(), 1.0)
    of_trainer = TaskStore(trainer, events, "trainer")
    stage = of_trainer.create("demo", "train", LogLine())
    of_trainer.start(stage.name)
    yield World(events, job, stage, of_trainer)
    events.close()


def test_facts_and_lines_are_passed_on_once(world: World) -> None:
    relay = world.relay()
    for trial in range(3):
        world.trainer.fact(world.stage.name, TrainProgress(trials_done=trial))
        world.trainer.log(world.stage.name, "INFO", "train.fit", f"line {trial}")
        assert not relay.look()
        assert not relay.look()
    assert (world.trials(), world.lines()) == ([0, 1, 2], ["line 0", "line 1", "line 2"])


def test_the_end_is_seen_once_it_is_told(world: World) -> None:
    relay = world.relay()
    assert not relay.look()
    world.trainer.log(world.stage.name, "INFO", "train.fit", "the last line")
    world.trainer.succeed(world.stage.name, None)
    assert relay.look()
    assert relay.look(), "also when nothing is new"
    assert world.lines() == ["the last line"]


def test_after_a_restart_only_the_rest_is_passed_on(world: World) -> None:
    world.trainer.log(world.stage.name, "INFO", "train.fit", "before")
    world.trainer.fact(world.stage.name, TrainProgress(trials_done=1))
    world.relay().look()
    world.trainer.log(world.stage.name, "INFO", "train.fit", "after")
    world.trainer.succeed(world.stage.name, None)
    assert world.relay().look()
    assert world.relay().look(), "the end is told to who comes later too"
    assert (world.trials(), world.lines()) == ([1], ["before", "after"])


def test_what_can_not_be_read_is_left_out(world: World) -> None:
    world.events.publish(topics.LOGS, world.stage.name, TrainProgress(trials_done=7))
    world.events.publish(topics.TASKS, world.stage.name, LogLine(message="on the wrong topic"))
    world.trainer.log(world.stage.name, "INFO", "train.fit", "good")
    world.relay().look()
    assert (world.trials(), world.lines()) == ([], ["good"])


def test_what_is_passed_on_twice_has_the_same_ids(world: World) -> None:
    world.trainer.log(world.stage.name, "INFO", "train.fit", "a line", id="of its own")
    world.trainer.fact(world.stage.name, TrainProgress(trials_done=1))
    world.relay().look()
    # As a crash between publishing and storing leaves it.
    world.job.records.set_relayed(world.job.name, world.stage.name, 0, 0)
    world.relay().look()

    assert (world.trials(), world.lines()) == ([1, 1], ["a line", "a line"])
    for topic in (topics.TASKS, topics.LOGS):
        (original,) = (event.id for event in world.events.replay(topic, key=world.stage.name) if is_fact_or_line(event))
        first, again = (event.id for event in world.events.replay(topic, key=world.job.task) if is_fact_or_line(event))
        assert first == again != original


def is_fact_or_line(event: Event) -> bool:
    return event.topic == topics.LOGS or event.unpack(TaskEvent).HasField("train_progress")
