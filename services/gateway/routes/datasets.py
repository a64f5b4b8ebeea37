"""Datasets and their versions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse

from fairlead.api.profiler.v1.dataset_service_pb2 import (
    DeleteDatasetRequest,
    GetDatasetRequest,
    GetDatasetVersionRequest,
    ListDatasetsRequest,
    ListDatasetVersionsRequest,
    ListRowsRequest,
)
from fairlead.kit.pagination import decode_token, encode_token, page_limit

from ..columns_wire import columns_of, order_of
from ..documentation import binary, failures
from ..domain.columns import to_rows
from ..domain.page_position import position_of
from ..schemas.dataset import Dataset, DatasetPage, DatasetVersion, DatasetVersionPage, RowPage
from .files import version_file
from .parameters import Gateway, Paging, Project, quoted

router = APIRouter(prefix="/api/v1/projects/{project_id}/datasets", tags=["datasets"])

DatasetId = Annotated[str, Path(description="The dataset's id.", examples=["adult"])]
Version = Annotated[str, Path(description="The version's number, or latest.", examples=["1"])]
FileFormat = Annotated[Literal["parquet", "original"], Query(description="The Parquet copy, or the untouched upload.")]
FILE: dict[int | str, dict[str, Any]] = {200: binary("The file.", "application/octet-stream")}


@router.get("", responses=failures(400, 401, 404, 503))
def list_datasets(project: Project, gateway: Gateway, paging: Paging) -> DatasetPage:
    """List a project's datasets by name."""
    request = ListDatasetsRequest(parent=project, page_size=paging.size, page_token=paging.token)
    answer = gateway.services.datasets.ListDatasets(request)
    return DatasetPage(items=[Dataset.of(each) for each in answer.datasets], next_page_token=answer.next_page_token)


@router.get("/{dataset_id}", responses=failures(401, 404, 503))
def get_dataset(dataset_id: DatasetId, project: Project, gateway: Gateway, response: Response) -> Dataset:
    """Return one dataset."""
    request = GetDatasetRequest(name=f"{project}/datasets/{dataset_id}")
    dataset = gateway.services.datasets.GetDataset(request).dataset
    response.headers["ETag"] = quoted(dataset.etag)
    return Dataset.of(dataset)


@router.delete("/{dataset_id}", status_code=204, responses=failures(401, 404, 503))
def delete_dataset(dataset_id: DatasetId, project: Project, gateway: Gateway) -> None:
    """Remove a dataset with its versions from the list."""
    gateway.services.datasets.DeleteDataset(DeleteDatasetRequest(name=f"{project}/datasets/{dataset_id}"))


@router.get("/{dataset_id}/versions", responses=failures(400, 401, 404, 503))
def list_dataset_versions(
    dataset_id: DatasetId, project: Project, gateway: Gateway, paging: Paging
) -> DatasetVersionPage:
    """List a dataset's versions, newest first."""
    parent = f"{project}/datasets/{dataset_id}"
    request = ListDatasetVersionsRequest(parent=parent, page_size=paging.size, page_token=paging.token)
    answer = gateway.services.datasets.ListDatasetVersions(request)
    items = [DatasetVersion.of(each) for each in answer.dataset_versions]
    return DatasetVersionPage(items=items, next_page_token=answer.next_page_token)


@router.get("/{dataset_id}/versions/{version}", responses=failures(401, 404, 503))
def get_dataset_version(dataset_id: DatasetId, version: Version, project: Project, gateway: Gateway) -> DatasetVersion:
    """Return one version of a dataset."""
    request = GetDatasetVersionRequest(name=f"{project}/datasets/{dataset_id}/versions/{version}")
    return DatasetVersion.of(gateway.services.datasets.GetDatasetVersion(request).dataset_version)


@router.get("/{dataset_id}/versions/{version}/rows", responses=failures(400, 401, 404, 503))
def list_rows(
    dataset_id: DatasetId,
    version: Version,
    project: Project,
    gateway: Gateway,
    paging: Paging,
    skip: Annotated[int, Query(ge=0, description="The first row to return, from 0.")] = 0,
) -> RowPage:
    """List rows of a version in stored order, 20 a page unless told."""
    size = page_limit(paging.size, default=20)
    first = position_of(decode_token(paging.token)) if paging.token else skip
    parent = f"{project}/datasets/{dataset_id}/versions/{version}"
    answer = gateway.services.datasets.ListRows(ListRowsRequest(parent=parent, page_size=size, skip=first))
    rows = to_rows(columns_of(answer.columns), order_of(answer.columns))
    return RowPage(items=rows, next_page_token=encode_token(str(first + size)) if len(rows) == size else "")


@router.get(
    "/{dataset_id}/versions/{version}/content",
    response_class=FileResponse,
    responses={**FILE, **failures(400, 401, 404, 503)},
)
def download_dataset_version(
    dataset_id: DatasetId,
    version: Version,
    project: Project,
    gateway: Gateway,
    format: FileFormat = "parquet",
) -> FileResponse:
    """Download a version's file; ranges are served."""
    request = GetDatasetVersionRequest(name=f"{project}/datasets/{dataset_id}/versions/{version}")
    file = version_file(gateway.services.datasets.GetDatasetVersion(request).dataset_version, format)
    return FileResponse(gateway.blobs.fetch(file.blob), media_type=file.media_type, filename=file.name)
