"""The handler of a batch prediction's task, in a child process."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import grpc

from fairlead.api.profiler.v1 import dataset_service_pb2
from fairlead.api.profiler.v1.dataset_service_pb2_grpc import DatasetServiceStub
from fairlead.api.serving.v1 import prediction_service_pb2 as pb
from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import FairleadError, InvalidArgument, ResourceExhausted
from fairlead.kit.full_disk import room_needed
from fairlead.kit.resources import parse_name
from fairlead.kit.tasks import Checkpoints, TaskContext

from .adapters.batch_prediction.assembly import RejectedFile
from .adapters.batch_prediction.kept_batch import KeptBatch
from .adapters.batch_prediction.opening import BatchLimits, known_texts, open_prediction, plan_of
from .adapters.batch_prediction.part_folder import PartFolder, open_folder, read_plan, remove_abandoned, write_plan
from .adapters.batch_prediction.patience import patiently
from .adapters.batch_prediction.predict_file import FilePrediction, TooManyRejectedError
from .adapters.models.package import PackageLoader
from .batch_reporter import SOURCE, Reporter
from .domain.batch_prediction.parts import Plan, Tally
from .domain.batch_prediction.request import BatchSource, check_format, kind_of
from .domain.models.model import ModelSource
from .domain.traffic.deployments import NAME, DeploymentReader, Registry
from .doors.predictions.batch_request import source_of

REJECTED_FILE = "rejected.csv"
ROOM = "it needs about as much room as the result, twice that for Parquet"


@dataclass(frozen=True)
class BatchPredictor:
    """Predicts a dataset version or a file with a deployment's champion, or a version that the request names.

    Safe to run again: finished parts are kept below `folder`, and taken up after checking, by the next attempt at the
    task or by another task that asks for the same.
    """

    deployments: DeploymentReader
    registry: Registry
    loader: PackageLoader
    blobs: BlobStore
    profiler: grpc.Channel
    folder: Path
    limits: BatchLimits
    loses_disk: bool = False
    """Whether the disk goes with the process, as a Job's does, so that parts are kept in the blob store as well."""

    def __call__(self, task: TaskContext) -> pb.BatchPrediction:
        """Run the task.

        Raises NotFound for deployment, dataset or version, InvalidArgument where the columns do not fit or too many
        rows can't be read, ResourceExhausted where the disk is full.
        """
        remove_abandoned(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        task_id = task.task.name.rpartition("/")[2]
        begun = self.folder / f"{task_id}.json"
        request = task.request(pb.BatchPredictRequest)
        task.progress(0.0, stage="load", resource=request.deployment)
        try:
            with room_needed(self.folder, ROOM):
                kept = KeptBatch(Checkpoints(self.blobs, task_id)) if self.loses_disk else None
                earlier = read_plan(begun) or (kept.plan() if kept else None)
                plan = self._plan(request, earlier, Reporter(task))
                write_plan(begun, plan)
                if kept and not earlier:
                    kept.begin(plan)
                made = self._with_parts(task, request, plan, task_id, kept)
        except FairleadError:
            # The task has failed; no other attempt will ask.
            begun.unlink(missing_ok=True)
            raise
        begun.unlink()
        return made

    def _with_parts(
        self, task: TaskContext, request: pb.BatchPredictRequest, plan: Plan, task_id: str, kept: KeptBatch | None
    ) -> pb.BatchPrediction:
        with open_folder(self.folder, plan, task_id) as parts:
            try:
                with kept.parts(parts, plan) if kept else nullcontext(parts) as used:
                    made = self._predicted(task, request, plan, used)
            except TooManyRejectedError:
                # Asked for again with more rows allowed, what was predicted until here is taken up.
                parts.leave()
                raise
            except (InvalidArgument, ResourceExhausted):
                # Asked for again it would fail again; after another failure the parts are of use.
                parts.remove()
                raise
            parts.remove()
        return made

    def _predicted(
        self, task: TaskContext, request: pb.BatchPredictRequest, plan: Plan, parts: PartFolder
    ) -> pb.BatchPrediction:
        said = source_of(request).said
        task.log(f"{SOURCE}.load", f"Predicting '{said}' ({plan.kind}) with {plan.model_version} into {plan.format}")
        model = self.loader(ModelSource(plan.model_version, plan.package_blob))
        most = request.max_rejected_rows if request.HasField("max_rejected_rows") else self.limits.rejected_rows
        with (
            RejectedFile(parts.path / REJECTED_FILE) as rejected,
            open_prediction(
                self.blobs.fetch(plan.source_blob),
                plan,
                model,
                parts,
                rejected,
                Reporter(task),
                known=known_texts(self.blobs, plan.package_blob),
                threads=self.limits.workers,
                most_rejected=most,
            ) as prediction,
        ):
            tally = prediction.run()
            return self._stored(task, request, prediction, tally)

    def _stored(
        self, task: TaskContext, request: pb.BatchPredictRequest, prediction: FilePrediction, tally: Tally
    ) -> pb.BatchPrediction:
        """Store the result and return the task's."""
        task.progress(0.99, stage="store")
        result = prediction.assembly.store(self.blobs)
        format, rejected = prediction.plan.format, prediction.rejected
        task.log(
            f"{SOURCE}.done", f"Predicted {tally.rows:,} rows: {tally}; {result.size:,} bytes of {format}",
            rows=tally.rows, rejected=rejected.rows, bytes=result.size,
        )  # fmt: skip
        if rejected.rows:
            message = f"Left out {rejected.rows:,} rows that can't be read; the rejected rows' file tells why"
            task.log(f"{SOURCE}.done", message, level="WARNING", rejected=rejected.rows)
        return pb.BatchPrediction(
            deployment=request.deployment,
            model_version=prediction.plan.model_version,
            dataset_version=request.dataset_version,
            result_blob=result.key,
            format=format,
            row_count=tally.rows,
            rejected_row_count=rejected.rows,
            rejected_blob=rejected.store(self.blobs),
            file_name=request.file_name,
        )

    def _plan(self, request: pb.BatchPredictRequest, earlier: Plan | None, reporter: Reporter) -> Plan:
        """Return what is predicted, by which version.

        An earlier attempt's version is kept: an alias or a champion that moves while the work is under way would else
        make a result of two versions. So is its table: a dataset version does not change, and who knows where it lies
        need not be asked again.
        """
        if earlier is None:
            blob, kind = self._table(source_of(request), reporter)
            version = self._version(request, reporter)
        else:
            blob, kind = earlier.source_blob, earlier.kind
            version = ModelSource(earlier.model_version, earlier.package_blob)
        return plan_of(blob, kind, version, check_format(request.format), self.limits)

    def _version(self, request: pb.BatchPredictRequest, reporter: Reporter) -> ModelSource:
        """Return the version that the request names, or the deployment's champion."""
        ids = parse_name(NAME, request.deployment)
        deployment = self.deployments.get(ids["project"], ids["deployment"])
        if request.model_version:
            resolved = patiently(lambda: self.registry.resolve(request.model_version), reporter.away)
            return ModelSource(resolved.name, resolved.package_blob)
        return ModelSource(deployment.model_version, deployment.package_blob)

    def _table(self, asked: BatchSource, reporter: Reporter) -> tuple[str, str]:
        """Return the blob's key, and how it is read."""
        if asked.blob:
            return asked.blob, kind_of(asked.file_name)
        wanted = dataset_service_pb2.GetDatasetVersionRequest(name=asked.dataset_version)
        datasets = DatasetServiceStub(self.profiler)
        version = patiently(lambda: datasets.GetDatasetVersion(wanted).dataset_version, reporter.away)
        return version.parquet_blob, "parquet"
