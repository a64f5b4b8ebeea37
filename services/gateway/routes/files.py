"""Which blobs are downloaded as files, and under what names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fairlead.api.profiler.v1.dataset_pb2 import DatasetVersion
from fairlead.api.serving.v1.prediction_service_pb2 import BatchPrediction
from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.kit.errors import FailedPrecondition

from ..domain.task_states import SUCCEEDED

PARQUET = "application/vnd.apache.parquet"
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson", "parquet": PARQUET}
Which = Literal["result", "rejected"]


@dataclass(frozen=True)
class BlobFile:
    """A blob as people save it."""

    blob: str
    name: str
    media_type: str


def version_file(version: DatasetVersion, format: str) -> BlobFile:
    """Return a dataset version's file: "parquet", or the "original" upload."""
    _, _, _, dataset_id, _, number = version.name.split("/")
    if format == "parquet":
        return BlobFile(version.parquet_blob, f"{dataset_id}-{number}.parquet", PARQUET)
    return BlobFile(version.original_blob, version.file_name or dataset_id, "application/octet-stream")


def batch_file(task: Task, which: Which = "result") -> BlobFile:
    """Return a file that a batch prediction made: its "result", or the "rejected" rows with their reasons.

    Raises FailedPrecondition where the task has made none.
    """
    made = BatchPrediction()
    if task.state != SUCCEEDED:
        raise FailedPrecondition(f"{task.name} has made no file: it has not succeeded", resource=task.name)
    if not task.result.Unpack(made):
        raise FailedPrecondition(f"{task.name} makes no file; it is a {task.kind}", resource=task.name)
    task_id = task.name.rpartition("/")[2]
    if which == "result":
        format = made.format or "csv"
        return BlobFile(made.result_blob, f"predictions-{task_id}.{format}", MEDIA_TYPES[format])
    if not made.rejected_blob:
        raise FailedPrecondition(f"{task.name} has left out no row", resource=task.name)
    return BlobFile(made.rejected_blob, f"rejected-{task_id}.csv", MEDIA_TYPES["csv"])
