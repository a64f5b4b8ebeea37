"""The handler of a batch prediction's task, in a child process."""

from __future__ import annotations

import tempfile
from pathlib import Path

import grpc

from fairlead.api.profiler.v1 import dataset_service_pb2
from fairlead.api.profiler.v1.dataset_service_pb2_grpc import DatasetServiceStub
from fairlead.api.serving.v1 import prediction_service_pb2 as pb
from fairlead.kit.blobs import BlobStore
from fairlead.kit.resources import parse_name
from fairlead.kit.tasks import TaskContext

from .adapters.batch.predict_parquet import predict_parquet
from .adapters.package import PackageLoader
from .domain.batch_request import check_batch
from .domain.deployments import NAME, DeploymentReader

SOURCE = "batch_predict"
LOG_STEPS = 10
"""How many log lines tell of a long batch's progress."""


class BatchPredictor:
    """Predicts a dataset version with a deployment's model. Safe to run again: the result's key is its content."""

    def __init__(
        self,
        deployments: DeploymentReader,
        loader: PackageLoader,
        blobs: BlobStore,
        profiler: grpc.Channel,
        drafts: Path,
        batch_rows: int,
    ) -> None:
        """Write drafts of results below the folder drafts, batch_rows rows at a time."""
        self._deployments = deployments
        self._drafts = drafts
        self._loader = loader
        self._blobs = blobs
        self._datasets = DatasetServiceStub(profiler)
        self._batch_rows = batch_rows

    def __call__(self, task: TaskContext) -> pb.BatchPrediction:
        """Run the task. Raises NotFound for deployment or dataset, InvalidArgument where the columns do not fit."""
        request = task.request(pb.BatchPredictRequest)
        format = check_batch(request.dataset_version, request.format)
        ids = parse_name(NAME, request.deployment)
        task.progress(0.0, stage="load", resource=request.deployment)
        deployment = self._deployments.get(ids["project"], ids["deployment"])
        wanted = dataset_service_pb2.GetDatasetVersionRequest(name=request.dataset_version)
        version = self._datasets.GetDatasetVersion(wanted).dataset_version
        model = self._loader(deployment)
        task.log(
            f"{SOURCE}.load",
            f"Predicting {version.row_count} rows of '{version.name}' with {model.version}",
            rows=version.row_count,
        )
        self._drafts.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._drafts) as folder:
            result = Path(folder) / f"predictions.{format}"
            tally = predict_parquet(
                self._blobs.fetch(version.parquet_blob),
                result,
                format,
                model,
                batch_rows=self._batch_rows,
                progress=_Reporter(task),
            )
            task.progress(0.99, stage="store")
            stored = self._blobs.put_file(result)
        task.log(
            f"{SOURCE}.done", f"Predicted {tally.rows} rows: {tally}; {stored.size} bytes of {format}", rows=tally.rows
        )
        return pb.BatchPrediction(
            deployment=deployment.name,
            model_version=model.version,
            dataset_version=version.name,
            result_blob=stored.key,
            format=format,
            row_count=tally.rows,
        )


class _Reporter:
    """Tells the task how far the rows are, and logs every tenth part."""

    def __init__(self, task: TaskContext) -> None:
        self._task = task
        self._logged = 0

    def __call__(self, done: int, total: int) -> None:
        share = done / total if total else 1.0
        self._task.progress(0.98 * share, stage="predict")
        if int(share * LOG_STEPS) > self._logged:
            self._logged = int(share * LOG_STEPS)
            self._task.log(f"{SOURCE}.predict", f"Predicted {done} of {total} rows", rows=done)
