"""The trainer over its socket, beside a real profiler: prepare, train, export, and what interrupts them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing

import mlflow
import numpy as np
import pandas as pd
import psutil
import pytest
from google.protobuf import json_format

from fairlead.api.common.v1.preparation_pb2 import PreparationStep
from fairlead.api.common.v1.table_pb2 import TASK_TYPE_BINARY, Target
from fairlead.api.drift.v1.reference_pb2 import Reference
from fairlead.api.events.v1.events_pb2 import TaskEvent
from fairlead.api.profiler.v1.dataset_pb2 import DatasetVersion
from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_RUNNING, Task
from fairlead.api.tasks.v1.task_service_pb2 import CancelTaskRequest
from fairlead.api.trainer.v1.model_pb2 import MODEL_RUNTIME_ONNX, ModelVersion
from fairlead.api.trainer.v1.model_service_pb2 import (
    GetModelRequest,
    GetModelVersionRequest,
    ListModelsRequest,
    ListModelVersionsRequest,
    SetModelAliasRequest,
)
from fairlead.api.trainer.v1.preparation_pb2 import Preparation
from fairlead.api.trainer.v1.preparation_service_pb2 import CreatePreparationRequest, GetPreparationRequest
from fairlead.api.trainer.v1.run_pb2 import Run, RunSpec
from fairlead.api.trainer.v1.run_service_pb2 import (
    CreateRunRequest,
    ExportRunRequest,
    GetLeaderboardRequest,
    GetRunRequest,
    ListRunsRequest,
)
from fairlead.kit.errors import Aborted, FailedPrecondition, FairleadError, InvalidArgument, NotFound
from fairlead.kit.events import open_event_log, topics
from fairlead.kit.tasks import Checkpoints
from tests.integration.trainer_world import HEART, TARGET, World, ended, result, spec, use_mlflow, wait


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("trainer"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def heart(world: World) -> DatasetVersion:
    return world.upload(HEART, "heart")


@pytest.fixture(scope="module")
def preparation(world: World, heart: DatasetVersion) -> Preparation:
    step = PreparationStep(id="impute-ca", kind="impute", columns=["ca"])
    step.params.update({"strategy": "median"})
    return world.prepare(heart, TARGET, PreparationStep(id="once", kind="drop_duplicates"), step)


@pytest.fixture(scope="module")
def trained(world: World, preparation: Preparation) -> tuple[Task, Run]:
    task = world.train(spec(preparation, 20, "linear", "lightgbm", "extra_trees"))
    return task, result(world.tasks, task, Run)


@pytest.fixture(scope="module")
def exported(world: World, trained: tuple[Task, Run]) -> ModelVersion:
    request = ExportRunRequest(name=trained[1].name)
    return result(world.tasks, world.runs.ExportRun(request).task, ModelVersion)


def test_a_preparation_reports_each_step(world: World, preparation: Preparation) -> None:
    assert preparation.task_type == TASK_TYPE_BINARY
    assert (preparation.input_row_count, preparation.output_row_count) == (303, 303)
    messages = {report.step_id: report.message for report in preparation.reports}
    assert "4" in messages["impute-ca"]
    assert "ca" in messages["impute-ca"]
    assert world.preparations.GetPreparation(GetPreparationRequest(name=preparation.name)).preparation == preparation


@pytest.mark.parametrize(
    ("target", "step", "error", "said"),
    [
        (Target(column="disease"), None, InvalidArgument, "no column 'disease'"),
        (TARGET, PreparationStep(id="x", kind="polish", columns=["age"]), InvalidArgument, "polish|kind of step"),
        (TARGET, PreparationStep(id="x", kind="impute", columns=["aged"]), InvalidArgument, "no column 'aged'"),
    ],
)
def test_an_impossible_preparation_is_refused_at_once(
    world: World, heart: DatasetVersion, target: Target, step: PreparationStep | None, error: type, said: str
) -> None:
    steps = [step] if step is not None else []
    request = CreatePreparationRequest(
        parent="projects/default", dataset_version=heart.name, target=target, steps=steps
    )
    with pytest.raises(error, match=said):
        world.preparations.CreatePreparation(request)


def test_an_absent_dataset_version_is_not_found(world: World) -> None:
    name = "projects/default/datasets/nothing/versions/1"
    request = CreatePreparationRequest(parent="projects/default", dataset_version=name, target=TARGET)
    with pytest.raises(NotFound):
        world.preparations.CreatePreparation(request)


def test_a_run_beats_the_baseline_and_ranks_its_candidates(world: World, trained: tuple[Task, Run]) -> None:
    run = world.runs.GetRun(GetRunRequest(name=trained[1].name)).run
    assert run.status == "finished"
    assert run.metrics["roc_auc"] > 0.8 > run.baseline_metrics["roc_auc"]
    assert run.train_row_count + run.holdout_row_count == 303
    board = world.runs.GetLeaderboard(GetLeaderboardRequest(name=run.name))
    assert (board.metric, board.greater_is_better) == ("roc_auc", True)
    assert {entry.family for entry in board.entries} >= {"linear", "lightgbm", "extra_trees"}
    assert [entry.rank for entry in board.entries] == list(range(1, len(board.entries) + 1))
    assert run.name in {listed.name for listed in world.runs.ListRuns(ListRunsRequest(parent="projects/default")).runs}


def test_a_run_is_an_mlflow_run_and_its_trials_are_nested(world: World, trained: tuple[Task, Run]) -> None:
    run_id = trained[1].name.rpartition("/")[2]
    client = world.mlflow()
    parent = client.get_run(run_id)
    assert parent.info.status == "FINISHED"
    assert client.get_experiment(parent.info.experiment_id).name == "default.heart"
    assert parent.data.metrics["holdout_roc_auc"] == pytest.approx(trained[1].metrics["roc_auc"])
    wanted = f"tags.`mlflow.parentRunId` = '{run_id}'"
    nested = client.search_runs([parent.info.experiment_id], filter_string=wanted)
    board = world.runs.GetLeaderboard(GetLeaderboardRequest(name=trained[1].name))
    trials = {entry.mlflow_run_id for entry in board.entries if entry.family != "ensemble"}
    assert {run.info.run_id for run in nested} >= trials
    assert trials
    assert all("cv_roc_auc" in run.data.metrics and run.data.params["family"] for run in nested)


def test_each_trial_is_told_while_it_happens(world: World, trained: tuple[Task, Run]) -> None:
    task, run = trained
    with closing(open_event_log(f"sqlite:///{world.home}/events.db", source="test")) as events:
        told = [event.unpack(TaskEvent) for event in events.replay(topics.TASKS, key=task.name)]
    facts = [event.train_progress for event in told if event.WhichOneof("fact") == "train_progress"]
    assert {fact.family for fact in facts} == {"linear", "lightgbm", "extra_trees"}
    assert all(fact.run == run.name and fact.metric == "roc_auc" and 0 < fact.score <= 1 for fact in facts)
    assert max(fact.best_score for fact in facts) == facts[-1].best_score
    assert any("lightgbm-1: roc_auc 0." in line.message for line in world.lines(task.name))


def test_the_same_request_id_starts_one_training(world: World, preparation: Preparation) -> None:
    wanted = spec(preparation, 1, "naive_bayes")
    first, second = (world.train(wanted, request_id="once") for _ in range(2))
    assert first.name == second.name
    result(world.tasks, first, Run)


def test_a_wrong_family_or_metric_is_refused_with_the_possible_ones(world: World, preparation: Preparation) -> None:
    with pytest.raises(InvalidArgument, match="use one of lightgbm"):
        world.train(spec(preparation, 5, "perceptron"))
    with pytest.raises(InvalidArgument, match="'rmse' is no metric for a binary target"):
        world.train(RunSpec(preparation=preparation.name, metric="rmse"))
    with pytest.raises(InvalidArgument, match=r"spec\.budget"):
        world.train(spec(preparation, -1))


def test_an_export_is_a_champion_whose_onnx_agrees(world: World, exported: ModelVersion) -> None:
    assert exported.name == "projects/default/models/heart/versions/1"
    assert list(exported.aliases) == ["champion"]
    assert exported.manifest.runtime == MODEL_RUNTIME_ONNX
    assert exported.manifest.parity.passed
    assert list(exported.manifest.classes) == ["false", "true"]
    assert len(exported.manifest.inputs) == 13
    package = world.blobs.fetch_folder(exported.package_blob)
    names = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    assert names >= {"MLmodel", "manifest.json", "reference.json", "model.onnx", "native/model.pkl", "model_card.md"}
    assert "calibration.npz" in names and exported.manifest.calibration_row_count > 40
    explained = {"explain.npz", "explain.onnx"} <= names
    assert explained == bool(exported.manifest.explanation_scale) != bool(exported.manifest.explanation_reason)
    run = world.runs.GetRun(GetRunRequest(name=exported.run)).run
    assert run.model_version == exported.name


def test_the_reference_holds_the_scores_of_the_winner_itself_on_held_out_rows(
    world: World, exported: ModelVersion
) -> None:
    package = world.blobs.fetch_folder(exported.package_blob)
    run = world.runs.GetRun(GetRunRequest(name=exported.run)).run

    *inputs, prediction = json_format.Parse((package / "reference.json").read_text(), Reference()).columns

    assert [column.name for column in inputs] == [column.name for column in exported.manifest.inputs]
    assert {column.count for column in inputs} == {run.train_row_count}
    assert prediction.is_prediction
    assert prediction.count == run.holdout_row_count


def test_mlflow_itself_loads_the_champion(
    world: World, exported: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_mlflow(monkeypatch, world.mlflow_url)
    model = mlflow.pyfunc.load_model("models:/default.heart@champion")
    rows = pd.read_csv(HEART, na_values="?").drop(columns="num")
    predicted = np.asarray(model.predict(rows))
    assert predicted.shape == (303, 2)
    truth = pd.read_csv(HEART)["num"] > 0
    assert ((predicted[:, 1] > 0.5) == truth).mean() > 0.8


def test_a_second_version_challenges_until_it_is_made_champion(
    world: World, trained: tuple[Task, Run], exported: ModelVersion
) -> None:
    second = result(world.tasks, world.runs.ExportRun(ExportRunRequest(name=trained[1].name)).task, ModelVersion)
    assert second.name.endswith("versions/2")
    assert list(second.aliases) == ["challenger"]
    by_alias = GetModelVersionRequest(name="projects/default/models/heart/aliases/champion")
    assert world.models.GetModelVersion(by_alias).model_version.name == exported.name
    model = "projects/default/models/heart"
    seen = world.models.GetModel(GetModelRequest(name=model)).model.etag
    request = SetModelAliasRequest(name=model, alias="champion", version=2, etag=seen)
    # The first call of the service's process imports MLflow.
    changed = world.models.SetModelAlias(request, timeout=120).model
    assert changed.aliases["champion"] == 2
    assert changed.etag != seen
    with pytest.raises(Aborted, match="was changed meanwhile"):
        world.models.SetModelAlias(SetModelAliasRequest(name=model, alias="champion", version=1, etag=seen))
    assert world.models.GetModelVersion(by_alias).model_version.name == second.name
    listed = world.models.ListModelVersions(ListModelVersionsRequest(parent="projects/default/models/heart"))
    assert [version.name[-1] for version in listed.model_versions] == ["2", "1"]
    assert [m.name for m in world.models.ListModels(ListModelsRequest(parent="projects/default")).models] == [
        "projects/default/models/heart"
    ]


def test_nothing_of_a_project_is_seen_from_another(
    world: World, trained: tuple[Task, Run], preparation: Preparation, exported: ModelVersion
) -> None:
    calls = [
        lambda: world.runs.GetRun(GetRunRequest(name=_elsewhere(trained[1].name))),
        lambda: world.runs.GetLeaderboard(GetLeaderboardRequest(name=_elsewhere(trained[1].name))),
        lambda: world.runs.ExportRun(ExportRunRequest(name=_elsewhere(trained[1].name))),
        lambda: world.preparations.GetPreparation(GetPreparationRequest(name=_elsewhere(preparation.name))),
        lambda: world.models.GetModelVersion(GetModelVersionRequest(name=_elsewhere(exported.name))),
        lambda: world.runs.CreateRun(CreateRunRequest(parent="projects/other", spec=spec(preparation, 5))),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    assert not world.runs.ListRuns(ListRunsRequest(parent="projects/other")).runs
    assert not world.models.ListModels(ListModelsRequest(parent="projects/other")).models


def _elsewhere(name: str) -> str:
    return name.replace("projects/default", "projects/other", 1)


def _in_search(world: World, task: Task) -> Task | None:
    """The task once it has a run and a trial."""
    now = world.task(task.name)
    assert now.state <= TASK_STATE_RUNNING, now.error
    trials = any(line.source == "train.lightgbm" for line in world.lines(task.name))
    return now if now.resource and trials else None


def test_a_running_training_is_visible_and_a_cancel_kills_it(world: World, preparation: Preparation) -> None:
    task = world.train(spec(preparation, 120, "lightgbm"))
    running = wait(lambda: _in_search(world, task))
    wait(lambda: Checkpoints(world.blobs, task.name).names())
    assert world.runs.GetRun(GetRunRequest(name=running.resource)).run.status == "running"
    with pytest.raises(FailedPrecondition, match="only a finished run"):
        world.runs.ExportRun(ExportRunRequest(name=running.resource))
    assert world.tasks.CancelTask(CancelTaskRequest(name=task.name)).task.state == TASK_STATE_CANCELLED
    assert world.runs.GetRun(GetRunRequest(name=running.resource)).run.status == "killed"
    wait(lambda: world.mlflow_status(running.resource) == "KILLED")
    wait(lambda: not _workers(world, task.name))
    wait(lambda: not Checkpoints(world.blobs, task.name).names())


def test_a_training_whose_process_is_shot_is_failed(world: World, preparation: Preparation) -> None:
    task = world.train(spec(preparation, 120, "lightgbm"))
    running = wait(lambda: _in_search(world, task))
    for worker in _workers(world, task.name):
        worker.send_signal(signal.SIGKILL)
    last = wait(lambda: ended(world.tasks, task.name))
    assert "signal 9" in last.error
    assert world.runs.GetRun(GetRunRequest(name=running.resource)).run.status == "failed"
    wait(lambda: world.mlflow_status(running.resource) == "FAILED")


def test_a_training_goes_on_where_it_was_when_the_service_is_shot(world: World, preparation: Preparation) -> None:
    task = world.train(spec(preparation, 12, "lightgbm", "linear"))
    running = wait(lambda: _in_search(world, task))
    world.kill_trainer()
    world.restart_trainer()
    run = result(world.tasks, task, Run)
    assert run.name == running.resource
    assert world.task(task.name).attempt == 2
    assert any("trials of an interrupted attempt" in line.message for line in world.lines(task.name))
    assert world.mlflow_status(run.name) == "FINISHED"


def test_the_service_itself_stays_small(world: World) -> None:
    # After a restart, before anything made it import MLflow.
    world.kill_trainer()
    world.restart_trainer()
    world.runs.ListRuns(ListRunsRequest(parent="projects/default"))
    memory = psutil.Process(world.processes["trainer"].pid).memory_info().rss
    assert memory < 150 * 2**20


def test_an_error_keeps_its_kind_over_the_wire(world: World) -> None:
    with pytest.raises(FairleadError) as caught:
        world.runs.GetRun(GetRunRequest(name="runs/1"))
    assert isinstance(caught.value, InvalidArgument)


def _workers(world: World, task: str) -> list[psutil.Process]:
    trainer = psutil.Process(world.processes["trainer"].pid)
    return [child for child in trainer.children() if _is_work(child, task)]


def _is_work(process: psutil.Process, task: str) -> bool:
    try:
        return task in process.cmdline()
    except psutil.NoSuchProcess:  # it has just ended
        return False
