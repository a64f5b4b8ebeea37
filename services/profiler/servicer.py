"""The profiler's RPCs: protobuf in, protobuf out."""

from __future__ import annotations

import grpc

from fairlead.api.profiler.v1 import (
    dataset_pb2,
    dataset_service_pb2,
    dataset_service_pb2_grpc,
    profile_pb2,
    profile_service_pb2,
    profile_service_pb2_grpc,
)
from fairlead.kit.blobs import BlobStore
from fairlead.kit.errors import FieldViolation, InvalidArgument
from fairlead.kit.pagination import decode_token, encode_token, page_limit
from fairlead.kit.resources import parse_name, require_id
from fairlead.kit.tasks import TaskOwner, TaskStore

from .adapters.catalog import Catalog, DatasetKey
from .adapters.rows import read_rows
from .convert import column_message, dataset_message
from .domain.profiling.targets import parse_condition
from .names import PROFILE, PROJECT, dataset_key, version_key


class DatasetServicer(dataset_service_pb2_grpc.DatasetServiceServicer):
    """Serves DatasetService."""

    def __init__(self, catalog: Catalog, blobs: BlobStore, store: TaskStore, owner: TaskOwner) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._store = store
        self._owner = owner

    def ImportDataset(
        self, request: dataset_service_pb2.ImportDatasetRequest, _context: grpc.ServicerContext
    ) -> dataset_service_pb2.ImportDatasetResponse:
        """Start an import."""
        project = require_id(parse_name(PROJECT, request.parent)["project"], "project")
        key = DatasetKey(project, require_id(request.dataset_id, "dataset_id"))
        if not request.source_blob or not self._blobs.exists(request.source_blob):
            raise InvalidArgument(
                f"there is no upload '{request.source_blob}'; upload the file first",
                violations=[FieldViolation("source_blob", "must be the key of a stored upload")],
            )
        task = self._store.create(
            project,
            "import",
            request,
            request_id=request.request_id,
            parent_task=request.parent_task,
            resource=key.name,
        )
        self._owner.submit(task)
        return dataset_service_pb2.ImportDatasetResponse(task=task)

    def GetDataset(
        self, request: dataset_service_pb2.GetDatasetRequest, _context: grpc.ServicerContext
    ) -> dataset_service_pb2.GetDatasetResponse:
        """Return a dataset."""
        row = self._catalog.dataset(dataset_key(request.name))
        return dataset_service_pb2.GetDatasetResponse(dataset=dataset_message(row))

    def ListDatasets(
        self, request: dataset_service_pb2.ListDatasetsRequest, _context: grpc.ServicerContext
    ) -> dataset_service_pb2.ListDatasetsResponse:
        """Return a page of datasets."""
        project = parse_name(PROJECT, request.parent)["project"]
        limit = page_limit(request.page_size)
        rows = self._catalog.datasets(project, decode_token(request.page_token), limit + 1)
        token = encode_token(rows[limit - 1].key.dataset) if len(rows) > limit else ""
        return dataset_service_pb2.ListDatasetsResponse(
            datasets=[dataset_message(row) for row in rows[:limit]], next_page_token=token
        )

    def DeleteDataset(
        self, request: dataset_service_pb2.DeleteDatasetRequest, _context: grpc.ServicerContext
    ) -> dataset_service_pb2.DeleteDatasetResponse:
        """Delete a dataset."""
        self._catalog.delete(dataset_key(request.name))
        return dataset_service_pb2.DeleteDatasetResponse()

    def GetDatasetVersion(
        self, request: dataset_service_pb2.GetDatasetVersionRequest, _context: grpc.ServicerContext
    ) -> dataset_service_pb2.GetDatasetVersionResponse:
        """Return a version."""
        row = self._catalog.version(*version_key(request.name))
        return dataset_service_pb2.GetDatasetVersionResponse(
            dataset_version=dataset_pb2.DatasetVersion.FromString(row.message)
        )

    def ListDatasetVersions(
        self, request: dataset_service_pb2.ListDatasetVersionsRequest, _context: grpc.ServicerContext
    ) -> dataset_service_pb2.ListDatasetVersionsResponse:
        """Return a page of versions."""
        limit = page_limit(request.page_size)
        before = decode_token(request.page_token)
        if before and not before.isdecimal():
            raise InvalidArgument("page_token was not made for versions; start again without one")
        rows = self._catalog.versions(dataset_key(request.parent), int(before or 0), limit + 1)
        token = encode_token(str(rows[limit - 1].version)) if len(rows) > limit else ""
        return dataset_service_pb2.ListDatasetVersionsResponse(
            dataset_versions=[dataset_pb2.DatasetVersion.FromString(row.message) for row in rows[:limit]],
            next_page_token=token,
        )

    def ListRows(
        self, request: dataset_service_pb2.ListRowsRequest, _context: grpc.ServicerContext
    ) -> dataset_service_pb2.ListRowsResponse:
        """Return some rows."""
        if request.skip < 0:
            raise InvalidArgument(
                "skip is negative; give the first row to return, from 0",
                violations=[FieldViolation("skip", "must not be negative")],
            )
        row = self._catalog.version(*version_key(request.parent))
        version = dataset_pb2.DatasetVersion.FromString(row.message)
        path = self._blobs.fetch(version.parquet_blob)
        columns = read_rows(path, request.skip, page_limit(request.page_size, default=20))
        return dataset_service_pb2.ListRowsResponse(columns=[column_message(column) for column in columns])


class ProfileServicer(profile_service_pb2_grpc.ProfileServiceServicer):
    """Serves ProfileService."""

    def __init__(self, catalog: Catalog, store: TaskStore, owner: TaskOwner) -> None:
        self._catalog = catalog
        self._store = store
        self._owner = owner

    def CreateProfile(
        self, request: profile_service_pb2.CreateProfileRequest, _context: grpc.ServicerContext
    ) -> profile_service_pb2.CreateProfileResponse:
        """Start a profile."""
        key, number = version_key(request.parent)
        row = self._catalog.version(key, number)
        _check_target(request, dataset_pb2.DatasetVersion.FromString(row.message))
        # The version is fixed now: "latest" may be another one by the time that the task runs.
        fixed = profile_service_pb2.CreateProfileRequest()
        fixed.CopyFrom(request)
        fixed.parent = f"{key.name}/versions/{row.version}"
        task = self._store.create(
            key.project, "profile", fixed, request_id=request.request_id, parent_task=request.parent_task,
            resource=fixed.parent,
        )  # fmt: skip
        self._owner.submit(task)
        return profile_service_pb2.CreateProfileResponse(task=task)

    def GetProfile(
        self, request: profile_service_pb2.GetProfileRequest, _context: grpc.ServicerContext
    ) -> profile_service_pb2.GetProfileResponse:
        """Return a profile."""
        key, number = version_key(request.name, PROFILE)
        version = self._catalog.version(key, number).version
        message = self._catalog.profile(key, version)
        return profile_service_pb2.GetProfileResponse(profile=profile_pb2.Profile.FromString(message))


def _check_target(request: profile_service_pb2.CreateProfileRequest, version: dataset_pb2.DatasetVersion) -> None:
    names = [field.name for field in version.fields]
    if request.target.column and request.target.column not in names:
        raise InvalidArgument(
            f"there is no column '{request.target.column}'; the columns are {', '.join(names[:30])}",
            violations=[FieldViolation("target.column", "must be a column of the dataset")],
        )
    if request.target.condition and not request.target.column:
        raise InvalidArgument(
            "a condition needs a column; name the target's column too",
            violations=[FieldViolation("target.column", "is empty")],
        )
    parse_condition(request.target.condition)
