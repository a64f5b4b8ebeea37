"""Uploads of dataset files: a raw body or a form, streamed to the blob store as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import anyio.from_thread
import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response

from fairlead.api.profiler.v1.dataset_service_pb2 import ImportDatasetRequest
from fairlead.kit.blobs import BlobStore, StoredBlob
from fairlead.kit.errors import FieldViolation, InvalidArgument
from fairlead.kit.resources import require_id

from ..adapters.form import FormReader, boundary_of
from ..documentation import failures
from ..problems import BodyTooLarge
from ..schemas.task import Task
from .answers import accepted
from .parameters import Gateway, IdempotencyKey, Project

router = APIRouter(prefix="/api/v1/projects/{project_id}/datasets", tags=["datasets"])

FIELDS = ("dataset_id", "file_name", "sheet")
_TEXT = {"type": "string"}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file as it is, or a form with it.",
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"},
                "example": "age,income\n39,<=50K\n",
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {**dict.fromkeys(FIELDS, _TEXT), "file": {"type": "string", "format": "binary"}},
                },
                "example": {"dataset_id": "adult", "file": "age,income\n39,<=50K\n"},
            },
        },
    }
}


@router.post("", status_code=202, responses=failures(400, 401, 404, 413, 503), openapi_extra=BODY)
async def upload_dataset(
    request: Request,
    response: Response,
    project: Project,
    gateway: Gateway,
    dataset_id: Annotated[str, Query(description="The dataset to add a version to.", examples=["adult"])] = "",
    file_name: Annotated[str, Query(description="The file's name; its ending helps.", examples=["adult.csv"])] = "",
    sheet: Annotated[str, Query(description="For Excel: the sheet; empty means the first with a table.")] = "",
    idempotency_key: IdempotencyKey = "",
) -> Task:
    """Upload a file (CSV, TSV, JSON, JSON Lines, Excel, Parquet) as a new version of a dataset.

    The file is streamed to disk, never held whole in memory. The task imports it; its result is the dataset version. A
    file that is no table fails the task with line and reason.
    """
    limit = gateway.settings.gateway_upload_limit_bytes
    chunks = limited(request, limit)
    boundary = boundary_of(request.headers.get("content-type", ""))
    form = FormReader(chunks, boundary) if boundary else None
    given = {"dataset_id": dataset_id, "file_name": file_name, "sheet": sheet}
    if form is None:
        # Before the upload rather than after it; in a form the id may come behind the file.
        require_id(dataset_id, "dataset_id")
    blob = await store(gateway.blobs, chunks if form is None else form.file())
    if form is not None:
        given = {name: value or form.fields.get(name, "") for name, value in given.items()}
        given["file_name"] = given["file_name"] or form.file_name
    require_id(given["dataset_id"], "dataset_id")
    if blob.size == 0:
        raise InvalidArgument("the upload is empty", violations=[FieldViolation("file", "is empty")])
    message = ImportDatasetRequest(parent=project, source_blob=blob.key, request_id=idempotency_key, **given)
    answer = await anyio.to_thread.run_sync(gateway.services.datasets.ImportDataset, message)
    return accepted(answer.task, response)


async def limited(request: Request, limit: int) -> AsyncIterator[bytes]:
    """Yield the body in chunks. Raises BodyTooLarge, at once where the length is told."""
    too_large = BodyTooLarge(
        f"the upload is over the limit of {limit} bytes; send a smaller file (Parquet is often a tenth of CSV) "
        "or raise FAIRLEAD_GATEWAY_UPLOAD_LIMIT_BYTES"
    )
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > limit:
        raise too_large
    taken = 0
    async for chunk in request.stream():
        taken += len(chunk)
        if taken > limit:
            raise too_large
        if chunk:
            yield chunk


async def store(blobs: BlobStore, chunks: AsyncIterator[bytes]) -> StoredBlob:
    """Store chunks as they come: the store's thread asks the event loop for the next one."""

    async def following() -> bytes:
        return await anext(chunks, b"")

    def asked_for() -> Iterator[bytes]:
        while chunk := anyio.from_thread.run(following):
            yield chunk

    return await anyio.to_thread.run_sync(blobs.put_stream, asked_for())
