"""Predictions in batch: a file is uploaded, a task predicts it or a dataset version, and its files are downloaded."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from fairlead.api.serving.v1.prediction_service_pb2 import BatchPredictRequest
from fairlead.kit.blobs import blob_key
from fairlead.kit.errors import FailedPrecondition, FieldViolation, InvalidArgument

from ..documentation import failures
from ..domain.references import qualify
from ..schemas.batch_prediction import FileToPredict, NewBatchPrediction, StoredFile
from ..schemas.task import Task
from .answers import accepted
from .deployments import DeploymentId
from .parameters import Gateway, IdempotencyKey, Project
from .uploads import limited, store

PROJECT = "/api/v1/projects/{project_id}"
router = APIRouter(tags=["deployments"])

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file as it is.",
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"},
                "example": "age,workclass\n39,State-gov\n",
            }
        },
    }
}


@router.post(f"{PROJECT}/files", status_code=201, responses=failures(400, 401, 404, 413, 503), openapi_extra=BODY)
async def upload_file(request: Request, project: Project, gateway: Gateway) -> StoredFile:  # noqa: ARG001 - must exist
    """Store a file that shall be predicted; name it by its SHA-256 in `:batchPredict`.

    It is streamed to the blob store, never held whole in memory, and no dataset comes of it.
    """
    blob = await store(gateway.blobs, limited(request, gateway.settings.gateway_upload_limit_bytes))
    if blob.size == 0:
        raise InvalidArgument("the file is empty", violations=[FieldViolation("file", "is empty")])
    return StoredFile(sha256=blob.sha256, size=blob.size)


@router.post(
    f"{PROJECT}/deployments/{{deployment_id}}:batchPredict", status_code=202, responses=failures(400, 401, 404, 503)
)
def batch_predict(
    deployment_id: DeploymentId,
    body: NewBatchPrediction,
    response: Response,
    project: Project,
    gateway: Gateway,
    idempotency_key: IdempotencyKey = "",
) -> Task:
    """Predict a whole dataset version, or an uploaded file of any size as it is.

    The finished task's file is at `/tasks/{task}/result`; rows that can't be read are left out, and
    `/tasks/{task}/result?file=rejected` tells them with their reasons.
    """
    request = BatchPredictRequest(
        deployment=f"{project}/deployments/{deployment_id}",
        dataset_version=qualify(project, "datasets", body.dataset_version, "dataset_version"),
        format=body.format,
        request_id=idempotency_key,
        model_version=qualify(project, "models", body.model_version, "model_version"),
        max_rejected_rows=body.max_rejected_rows,
    )
    if body.file is not None:
        request.source_blob, request.file_name = _stored(gateway, body.file), body.file.file_name
    return accepted(gateway.services.predictions.BatchPredict(request).task, response)


def _stored(gateway: Gateway, file: FileToPredict) -> str:
    """Return the key of an uploaded file's blob. Raises FailedPrecondition where it was not uploaded."""
    key = blob_key(file.sha256)
    if not gateway.blobs.exists(key):
        raise FailedPrecondition("the file is not there; POST it to files, or PUT it by a link, and name its SHA-256")
    return key
