"""The trainer and MLflow on PostgreSQL: the same work as on SQLite, and what several processes do at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import mlflow
import pandas as pd
import pytest
import sqlalchemy as sa

from fairlead.api.tasks.v1.task_service_pb2 import CancelTaskRequest
from fairlead.api.trainer.v1.model_pb2 import ModelVersion
from fairlead.api.trainer.v1.model_service_pb2 import GetModelRequest, GetModelVersionRequest, SetModelAliasRequest
from fairlead.api.trainer.v1.run_pb2 import Run
from fairlead.api.trainer.v1.run_service_pb2 import ExportRunRequest
from fairlead.kit.database import open_database
from fairlead.kit.errors import Aborted
from tests.data import ROOT
from tests.integration.trainer_world import HEART, TARGET, World, result, spec, use_mlflow, wait
from tests.servers.postgres import Postgres


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres) -> Iterator[World]:
    url = postgres_server.new_database()
    made = World(tmp_path_factory.mktemp("trainer"), database_url=url)
    yield made
    made.close()
    postgres_server.drop(url)


def test_a_model_is_trained_registered_and_loaded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    preparation = world.prepare(world.upload(HEART, "heart"), TARGET)
    run = result(world.tasks, world.train(spec(preparation, 5, "linear")), Run)
    assert world.mlflow_status(run.name) == "FINISHED"

    # At once: only one of them may find that there is no champion yet.
    exports = [world.runs.ExportRun(ExportRunRequest(name=run.name)).task for _ in range(2)]
    versions = [result(world.tasks, task, ModelVersion) for task in exports]

    assert sorted(version.name[-1] for version in versions) == ["1", "2"]
    assert sorted(alias for version in versions for alias in version.aliases) == ["challenger", "champion"]
    use_mlflow(monkeypatch, world.mlflow_url)
    rows = pd.read_csv(HEART, na_values="?").drop(columns="num")
    assert mlflow.pyfunc.load_model("models:/default.heart@champion").predict(rows).shape == (303, 2)

    model = "projects/default/models/heart"
    seen = world.models.GetModel(GetModelRequest(name=model)).model.etag
    request = SetModelAliasRequest(name=model, alias="stable", version=2, etag=seen)
    # The first call of the service's process imports MLflow.
    assert world.models.SetModelAlias(request, timeout=120).model.aliases["stable"] == 2
    with pytest.raises(Aborted, match="was changed meanwhile"):
        world.models.SetModelAlias(request)
    by_alias = GetModelVersionRequest(name="projects/default/models/heart/aliases/stable")
    assert world.models.GetModelVersion(by_alias).model_version.name.endswith("versions/2")
    assert not list(world.home.glob("mlflow*.db")) + list(world.home.glob("trainer.db*"))


def test_mlflow_is_told_of_a_training_that_was_cancelled(world: World) -> None:
    preparation = world.prepare(world.upload(HEART, "heart"), TARGET)
    task = world.train(spec(preparation, 60, "lightgbm"))
    running = wait(lambda: world.task(task.name).resource)

    world.tasks.CancelTask(CancelTaskRequest(name=task.name))

    wait(lambda: world.mlflow_status(running) == "KILLED")


def test_processes_that_open_mlflow_at_once_make_its_tables_once(postgres_database: str) -> None:
    program = (
        "from services.trainer.adapters.tracking import Tracking; from services.trainer.settings import "
        "TrainerSettings; s = TrainerSettings(); Tracking(s.trainer_mlflow_url, s.trainer_mlflow_artifacts).open()"
    )
    environment = {**os.environ, "FAIRLEAD_DATABASE_URL": postgres_database}
    processes = [
        subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment, stderr=subprocess.PIPE)
        for _ in range(2)
    ]

    assert [(process.communicate()[1][-2000:], process.returncode) for process in processes] == [(b"", 0)] * 2
    engine = open_database(postgres_database, "mlflow")
    assert sa.inspect(engine).has_table("registered_model_aliases")
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM experiments")) == 1
        assert connection.scalar(sa.text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")) == 0
    engine.dispose()
