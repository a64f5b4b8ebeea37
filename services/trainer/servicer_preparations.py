"""PreparationService over gRPC."""

from __future__ import annotations

import grpc

from fairlead.api.profiler.v1.dataset_pb2 import DatasetVersion
from fairlead.api.trainer.v1.preparation_service_pb2 import (
    CreatePreparationRequest,
    CreatePreparationResponse,
    GetPreparationRequest,
    GetPreparationResponse,
)
from fairlead.api.trainer.v1.preparation_service_pb2_grpc import PreparationServiceServicer
from fairlead.kit.errors import FieldViolation, InvalidArgument, NotFound
from fairlead.kit.resources import parse_name
from fairlead.kit.tasks import TaskOwner, TaskStore

from .adapters.datasets import DatasetReader
from .adapters.preparations import PreparationTable
from .convert import DATASET_VERSION_NAME


class PreparationServicer(PreparationServiceServicer):
    """Starts preparations and gives them back."""

    def __init__(
        self, store: TaskStore, owner: TaskOwner, preparations: PreparationTable, datasets: DatasetReader
    ) -> None:
        self._store = store
        self._owner = owner
        self._preparations = preparations
        self._datasets = datasets

    def CreatePreparation(
        self, request: CreatePreparationRequest, context: grpc.ServicerContext
    ) -> CreatePreparationResponse:
        """Check the request against the dataset version and start the task."""
        del context
        project = parse_name("projects/{project}", request.parent)["project"]
        if parse_name(DATASET_VERSION_NAME, request.dataset_version)["project"] != project:
            raise NotFound(
                f"there is no dataset version '{request.dataset_version}' in {request.parent}",
                resource=request.dataset_version,
            )
        version = self._datasets.version(request.dataset_version)
        _check(request, version)
        # The version by number, so that a restarted task reads the same rows although "latest" may have moved.
        fixed = CreatePreparationRequest()
        fixed.CopyFrom(request)
        fixed.dataset_version = version.name
        task = self._store.create(
            project, "prepare", fixed, request_id=request.request_id, parent_task=request.parent_task
        )
        self._owner.submit(task)
        return CreatePreparationResponse(task=task)

    def GetPreparation(self, request: GetPreparationRequest, context: grpc.ServicerContext) -> GetPreparationResponse:
        """Return one preparation."""
        del context
        return GetPreparationResponse(preparation=self._preparations.get(request.name))


def _check(request: CreatePreparationRequest, version: DatasetVersion) -> None:
    """Refuse an unknown target, step or column at once, by the version's columns alone."""
    from .convert_preparation import step_specs, table_without_rows
    from .domain.preparation import check_steps

    names = [field.name for field in version.fields]
    if request.target.column not in names:
        shown = ", ".join(f"'{name}'" for name in names[:20])
        said = f"the dataset has no column '{request.target.column}' to predict; its columns are {shown}"
        raise InvalidArgument(said, violations=[FieldViolation("target.column", "is not a column of the dataset")])
    check_steps(step_specs(request.steps), table_without_rows(version, request.target.column))
