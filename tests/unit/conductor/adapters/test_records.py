"""Workflows in each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fairlead.api.conductor.v1.workflow_pb2 import Stage, Workflow
from fairlead.kit.database import migrate, open_database
from fairlead.kit.errors import NotFound
from services.conductor.adapters.records import MIGRATIONS, WorkflowRecords

NAME = "projects/red/workflows/w1"


@pytest.fixture
def records(database_url: str) -> Iterator[WorkflowRecords]:
    engine = open_database(database_url, "conductor")
    migrate(engine, MIGRATIONS)
    yield WorkflowRecords(engine)
    engine.dispose()


def test_a_workflow_is_found_in_its_own_project_only(records: WorkflowRecords) -> None:
    records.add(Workflow(name=NAME, state="pending"))
    records.add(Workflow(name=NAME, state="another"))

    assert records.get(NAME).state == "pending"
    for absent in ("projects/blue/workflows/w1", "projects/red/workflows/w2"):
        with pytest.raises(NotFound):
            records.get(absent)
        with pytest.raises(NotFound):
            records.change(absent, lambda workflow: None)


def test_changes_at_the_same_time_are_all_kept(records: WorkflowRecords) -> None:
    records.add(Workflow(name=NAME))

    def add_stage(number: int) -> None:
        records.change(NAME, lambda workflow: workflow.stages.append(Stage(id=f"stage-{number}")))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add_stage, range(12)))

    assert {stage.id for stage in records.get(NAME).stages} == {f"stage-{number}" for number in range(12)}


def test_what_was_passed_on_is_kept_by_task(records: WorkflowRecords) -> None:
    records.add(Workflow(name=NAME))
    assert records.relayed(NAME, "projects/red/tasks/a") == (0, 0)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda task: records.set_relayed(NAME, f"projects/red/tasks/{task}", 3, 4), "abcdefgh"))

    assert [records.relayed(NAME, f"projects/red/tasks/{task}") for task in "abcdefgh"] == [(3, 4)] * 8


def test_workflows_are_listed_by_page_newest_first(records: WorkflowRecords) -> None:
    for number in range(1, 4):
        records.add(Workflow(name=f"projects/red/workflows/w{number}"))
    records.add(Workflow(name="projects/blue/workflows/w9"))

    first, token = records.list("red", 2, "")
    second, end = records.list("red", 2, token)

    assert [workflow.name[-2:] for workflow in (*first, *second)] == ["w3", "w2", "w1"]
    assert end == ""
