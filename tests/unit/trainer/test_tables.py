"""What the trainer keeps of preparations, runs and model versions, on each kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.api.trainer.v1.model_pb2 import ModelVersion
from fairlead.api.trainer.v1.preparation_pb2 import Preparation
from fairlead.api.trainer.v1.run_pb2 import Run
from fairlead.api.trainer.v1.run_service_pb2 import GetLeaderboardResponse
from fairlead.kit.database import migrate, open_database
from fairlead.kit.errors import InvalidArgument, NotFound
from services.trainer.adapters.mlflow_aliases import MlflowAliases
from services.trainer.adapters.preparations import PreparationTable
from services.trainer.adapters.registry import ModelTable
from services.trainer.adapters.runs import FINISHED, KILLED, RunRecord, RunTable
from services.trainer.adapters.schema import MIGRATIONS


@pytest.fixture
def database(database_url: str):
    engine = open_database(database_url, "trainer")
    migrate(engine, MIGRATIONS)
    yield engine
    engine.dispose()


def run(number: int, project: str = "red") -> Run:
    made = Run(name=f"projects/{project}/runs/r{number}", task=f"projects/{project}/tasks/t{number}", status="running")
    made.create_time.GetCurrentTime()
    return made


def test_a_preparation_is_found_in_its_own_project_only(database) -> None:
    table = PreparationTable(database)
    table.put(Preparation(name="projects/red/preparations/p1", input_row_count=3))
    table.put(Preparation(name="projects/red/preparations/p1", input_row_count=4))
    assert table.get("projects/red/preparations/p1").input_row_count == 4
    with pytest.raises(NotFound):
        table.get("projects/blue/preparations/p1")


def test_a_run_is_found_in_its_own_project_only(database) -> None:
    table = RunTable(database)
    table.add(run(1))
    assert table.get("projects/red/runs/r1").run.status == "running"
    with pytest.raises(NotFound):
        table.get("projects/blue/runs/r1")
    with pytest.raises(InvalidArgument):
        table.get("runs/r1")


def test_runs_are_listed_by_page_newest_first(database) -> None:
    table = RunTable(database)
    for number in range(1, 6):
        table.add(run(number))
    table.add(run(9, project="blue"))
    first, token = table.page("projects/red", 2, "")
    second, token = table.page("projects/red", 2, token)
    third, end = table.page("projects/red", 2, token)
    assert [r.name[-2:] for r in (*first, *second, *third)] == ["r5", "r4", "r3", "r2", "r1"]
    assert end == ""


def test_a_finished_run_keeps_its_leaderboard_and_winner(database) -> None:
    table = RunTable(database)
    made = run(1)
    table.add(made)
    made.status = FINISHED
    table.finish(RunRecord(made, GetLeaderboardResponse(metric="roc_auc"), "sha256/ab/abc"))
    record = table.of_task(made.task)
    assert record is not None
    assert (record.leaderboard.metric, record.winner_blob) == ("roc_auc", "sha256/ab/abc")
    assert table.running() == []


def test_a_killed_run_waits_for_mlflow_to_be_told(database) -> None:
    table = RunTable(database)
    table.add(run(1))
    assert [r.name for r in table.running("red")] == ["projects/red/runs/r1"]
    ended = table.end(table.running()[0], KILLED)
    assert [r.status for r in table.untold()] == [KILLED]
    table.mark_told(ended)
    assert table.untold() == []
    assert table.get(ended.name).run.HasField("end_time")


def models(database, tmp_path: Path) -> ModelTable:
    table = ModelTable(database, MlflowAliases(f"sqlite:///{tmp_path}/mlflow.db"))
    for project, model, number in (("red", "adult", 1), ("red", "adult", 2), ("red", "wine", 1), ("blue", "adult", 1)):
        version = ModelVersion(name=f"projects/{project}/models/{model}/versions/{number}")
        version.create_time.GetCurrentTime()
        table.add(version, f"projects/{project}/tasks/{model}{number}")
    return table


def test_models_and_versions_are_found_before_mlflow_has_a_database(database, tmp_path: Path) -> None:
    table = models(database, tmp_path)
    assert table.model("projects/red/models/adult").latest_version == 2
    found, token = table.models("projects/red", 1, "")
    rest, end = table.models("projects/red", 1, token)
    assert [m.name.rpartition("/")[2] for m in (*found, *rest)] == ["adult", "wine"]
    assert end == ""
    assert table.version("projects/red/models/adult/versions/latest").name.endswith("versions/2")
    assert not (tmp_path / "mlflow.db").exists()


def test_versions_are_listed_newest_first(database, tmp_path: Path) -> None:
    table = models(database, tmp_path)
    newest, token = table.versions("projects/red/models/adult", 1, "")
    oldest, end = table.versions("projects/red/models/adult", 1, token)
    assert [v.name[-1] for v in (*newest, *oldest)] == ["2", "1"]
    assert end == ""


@pytest.mark.parametrize("name", ["versions/3", "versions/none", "aliases/champion"])
def test_an_absent_version_or_alias_is_not_found(database, tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFound, match="list the model's versions"):
        models(database, tmp_path).version(f"projects/red/models/adult/{name}")


def test_another_projects_model_is_not_found(database, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        models(database, tmp_path).model("projects/blue/models/wine")


def test_what_a_run_came_to_is_not_replaced_by_the_news_that_its_task_ended(database) -> None:
    table = RunTable(database)
    made = run(1)
    table.add(made)
    (seen_running,) = table.running()
    made.status = FINISHED
    table.finish(RunRecord(made, GetLeaderboardResponse(), "sha256/ab/abc"))

    table.end(seen_running, KILLED)

    assert table.get(made.name).run.status == FINISHED
    assert table.untold() == []


def test_a_run_and_a_version_of_one_task_are_kept_once(database, tmp_path: Path) -> None:
    runs = RunTable(database)
    runs.add(run(1))
    again = run(2)
    again.task = run(1).task
    runs.add(again)
    table = models(database, tmp_path)
    first = table.versions("projects/red/models/wine", 1, "")[0][0]
    table.add(first, "projects/red/tasks/t3")

    assert [r.name for r in runs.running()] == [run(1).name]
    assert len(table.versions("projects/red/models/wine", 9, "")[0]) == 1
