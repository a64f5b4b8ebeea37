"""Links to the object store: large files need not pass through the gateway."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from fairlead.api.profiler.v1.dataset_service_pb2 import GetDatasetVersionRequest, ImportDatasetRequest
from fairlead.kit.blobs import LINK_SECONDS, MAX_LINK_SECONDS, blob_key
from fairlead.kit.errors import FailedPrecondition, FieldViolation, InvalidArgument, NotFound
from fairlead.kit.resources import require_id

from ..documentation import failures
from ..schemas.link import Link, NewUpload, UploadedFile
from ..schemas.task import Task
from .answers import accepted
from .datasets import DatasetId, FileFormat, Version
from .files import batch_file, version_file
from .parameters import Gateway, IdempotencyKey, Project
from .tasks import ResultFile, TaskId

PROJECT = "/api/v1/projects/{project_id}"
router = APIRouter()

Seconds = Annotated[int, Query(ge=1, le=MAX_LINK_SECONDS, description="How long the link lives.")]


@router.post(f"{PROJECT}/datasets:uploadLink", tags=["datasets"], responses=failures(400, 401, 404, 503))
def create_upload_link(upload: NewUpload, project: Project, gateway: Gateway) -> Link:  # noqa: ARG001 - must exist
    """Return a link to upload a file by; then call `datasets:import`.

    The store takes the declared content and nothing else. FAILED_PRECONDITION where blobs are kept in a local folder,
    INVALID_ARGUMENT above 5 GiB: upload to `datasets` itself then.
    """
    limit = gateway.settings.gateway_upload_limit_bytes
    if upload.size > limit:
        rule = f"is over the limit of {limit} bytes (FAIRLEAD_GATEWAY_UPLOAD_LIMIT_BYTES)"
        raise InvalidArgument(f"the file's size {rule}", violations=[FieldViolation("size", rule)])
    return Link.of(gateway.blobs.upload_link(upload.sha256, upload.size, upload.seconds))


@router.post(f"{PROJECT}/datasets:import", tags=["datasets"], status_code=202, responses=failures(400, 401, 404, 503))
def import_dataset(
    uploaded: UploadedFile, response: Response, project: Project, gateway: Gateway, idempotency_key: IdempotencyKey = ""
) -> Task:
    """Make a new version of a dataset of a file that was uploaded by a link, as an upload does."""
    require_id(uploaded.dataset_id, "dataset_id")
    key = blob_key(uploaded.sha256)
    try:
        size = gateway.blobs.size(key)
    except NotFound as error:
        raise FailedPrecondition(
            "the file is not there; PUT it by the link of datasets:uploadLink, or POST it to datasets"
        ) from error
    if size != uploaded.size:
        rule = f"is {uploaded.size}, but {size} bytes were uploaded"
        raise InvalidArgument(f"the file's size {rule}", violations=[FieldViolation("size", rule)])
    message = ImportDatasetRequest(
        parent=project,
        source_blob=key,
        request_id=idempotency_key,
        **uploaded.model_dump(include={"dataset_id", "file_name", "sheet"}),
    )
    return accepted(gateway.services.datasets.ImportDataset(message).task, response)


@router.post(
    f"{PROJECT}/datasets/{{dataset_id}}/versions/{{version}}:downloadLink",
    tags=["datasets"],
    responses=failures(400, 401, 404, 503),
)
def create_version_link(
    dataset_id: DatasetId,
    version: Version,
    project: Project,
    gateway: Gateway,
    format: FileFormat = "parquet",
    seconds: Seconds = LINK_SECONDS,
) -> Link:
    """Return a link to download a version's file by.

    FAILED_PRECONDITION where blobs are kept in a local folder: get `content` then.
    """
    request = GetDatasetVersionRequest(name=f"{project}/datasets/{dataset_id}/versions/{version}")
    file = version_file(gateway.services.datasets.GetDatasetVersion(request).dataset_version, format)
    return Link.of(gateway.blobs.download_link(file.blob, seconds, file.name))


@router.post(f"{PROJECT}/tasks/{{task_id}}:downloadLink", tags=["tasks"], responses=failures(400, 401, 404, 503))
def create_result_link(
    task_id: TaskId, project: Project, gateway: Gateway, file: ResultFile = "result", seconds: Seconds = LINK_SECONDS
) -> Link:
    """Return a link to download a file by that a batch prediction made.

    FAILED_PRECONDITION where blobs are kept in a local folder: get `result` then.
    """
    made = batch_file(gateway.directory.get(f"{project}/tasks/{task_id}"), file)
    return Link.of(gateway.blobs.download_link(made.blob, seconds, made.name))
