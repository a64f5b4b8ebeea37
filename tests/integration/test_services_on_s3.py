"""The services' own worlds with blobs in S3: what they store is in the bucket, and nothing needs a shared disk."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from fairlead.api.profiler.v1 import dataset_service_pb2
from fairlead.api.trainer.v1.model_pb2 import ModelVersion
from fairlead.api.trainer.v1.run_pb2 import Run
from fairlead.api.trainer.v1.run_service_pb2 import ExportRunRequest
from services.trainer.adapters.mlflow_artifacts import artifact_environment
from services.trainer.settings import TrainerSettings
from tests.data import SHARED_DATA
from tests.integration.test_profiler_service import House
from tests.integration.trainer_world import HEART, TARGET, World, result, spec, use_mlflow, wait
from tests.servers.s3 import S3Server


def keys(server: S3Server, bucket: str, prefix: str) -> list[str]:
    answer = server.client().list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for item in answer.get("Contents", ())]


def test_datasets_are_imported_and_profiled_from_a_bucket(s3_server: S3Server, s3_bucket: str, tmp_path: Path) -> None:
    house = House(tmp_path, blobs_url=f"s3://{s3_bucket}/blobs", s3_endpoint_url=s3_server.endpoint)
    house.start()
    source = SHARED_DATA / "penguins" / "penguins.csv"
    version = house.imported(source, "penguins")
    assert house.blobs.fetch(version.original_blob).read_bytes() == source.read_bytes()
    assert set(keys(s3_server, s3_bucket, "")) == {f"blobs/{version.original_blob}", f"blobs/{version.parquet_blob}"}
    assert not (tmp_path / "blobs").exists()

    shutil.rmtree(tmp_path / "cache")  # as on another machine
    house.end(signal.SIGTERM)
    house.start()
    assert house.profiled(version.name).row_count == 344
    rows = dataset_service_pb2.ListRowsRequest(parent=version.name, page_size=3)
    assert next(column.name for column in house.datasets.ListRows(rows).columns) == "species"
    assert house.end(signal.SIGTERM) == 0


def test_a_model_is_trained_from_a_bucket_and_registered_in_it(
    s3_server: S3Server, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, blobs_url=f"s3://{s3_bucket}/blobs", s3_endpoint_url=s3_server.endpoint)
    try:
        preparation = world.prepare(world.upload(HEART, "heart"), TARGET)
        run = result(world.tasks, world.train(spec(preparation, 5, "linear")), Run)
        exported = result(world.tasks, world.runs.ExportRun(ExportRunRequest(name=run.name)).task, ModelVersion)
    finally:
        world.close()
    package = world.blobs.fetch_folder(exported.package_blob)
    assert (package / "model.onnx").is_file()
    logged = keys(s3_server, s3_bucket, "blobs/mlflow/")
    assert {Path(key).name for key in logged} >= {"MLmodel", "model.onnx", "manifest.json"}
    assert not (tmp_path / "mlflow-artifacts").exists()

    url = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", s3_server.endpoint)
    use_mlflow(monkeypatch, url)
    model = mlflow.pyfunc.load_model("models:/default.heart@champion")
    predicted = np.asarray(model.predict(pd.read_csv(HEART, na_values="?").drop(columns="num")))
    assert ((predicted[:, 1] > 0.5) == (pd.read_csv(HEART)["num"] > 0)).mean() > 0.8


def test_mlflow_is_told_where_and_how_to_keep_artifacts(tmp_path: Path) -> None:
    settings = TrainerSettings(
        home=tmp_path,
        blobs_url="s3://bucket/team/",
        s3_endpoint_url="http://s3.example.org",
        s3_server_side_encryption="aws:kms",
        s3_kms_key_id="key-1",
    )
    assert settings.trainer_mlflow_artifacts == "s3://bucket/team/mlflow"
    told = artifact_environment(settings)
    assert told["MLFLOW_S3_ENDPOINT_URL"] == "http://s3.example.org"
    assert json.loads(told["MLFLOW_S3_UPLOAD_EXTRA_ARGS"]) == {
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "key-1",
    }
    assert TrainerSettings(home=tmp_path).trainer_mlflow_artifacts == (tmp_path / "mlflow-artifacts").as_uri()


def test_a_killed_training_goes_on_where_nothing_of_it_is_on_the_disk(
    s3_server: S3Server, s3_bucket: str, tmp_path: Path
) -> None:
    def kept() -> list[str]:
        return keys(s3_server, s3_bucket, "blobs/manifests/attempts~")

    world = World(tmp_path, blobs_url=f"s3://{s3_bucket}/blobs", s3_endpoint_url=s3_server.endpoint)
    try:
        preparation = world.prepare(world.upload(HEART, "heart"), TARGET)
        task = world.train(spec(preparation, 15, "linear", "lightgbm"))
        wait(lambda: len(kept()) >= 2)
        world.kill_trainer()
        # What a pod loses with its disk; databases and events, which are elsewhere in a cluster, are files here.
        for folder in (path for path in tmp_path.iterdir() if path.is_dir()):
            shutil.rmtree(folder)
        world.restart_trainer()

        result(world.tasks, task, Run)

        assert world.task(task.name).attempt == 2
        (resumed,) = [line for line in world.lines(task.name) if line.source == "train.resume"]
        assert resumed.meta.fields["trials"].number_value >= 2
        wait(lambda: not kept())
    finally:
        world.close()
