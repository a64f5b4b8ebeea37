"""RunService over gRPC."""

from __future__ import annotations

import grpc

from fairlead.api.trainer.v1.preparation_pb2 import Preparation
from fairlead.api.trainer.v1.run_pb2 import RunSpec
from fairlead.api.trainer.v1.run_service_pb2 import (
    CreateRunRequest,
    CreateRunResponse,
    ExportRunRequest,
    ExportRunResponse,
    GetLeaderboardRequest,
    GetLeaderboardResponse,
    GetRunRequest,
    GetRunResponse,
    ListRunsRequest,
    ListRunsResponse,
)
from fairlead.api.trainer.v1.run_service_pb2_grpc import RunServiceServicer
from fairlead.kit.errors import FailedPrecondition, FieldViolation, InvalidArgument, NotFound
from fairlead.kit.resources import parse_name, require_id
from fairlead.kit.tasks import TaskOwner, TaskStore

from .adapters.housekeeper import Housekeeper
from .adapters.preparations import PREPARATION_NAME, PreparationTable
from .adapters.runs import FINISHED, RUN_NAME, RunTable
from .convert import resolve_spec, task_type_name
from .domain.families import Problem, families_for, find_family
from .domain.metrics import find_metric


class RunServicer(RunServiceServicer):
    """Starts trainings and exports, and reports runs."""

    def __init__(
        self,
        store: TaskStore,
        owner: TaskOwner,
        preparations: PreparationTable,
        runs: RunTable,
        housekeeper: Housekeeper,
    ) -> None:
        self._store = store
        self._owner = owner
        self._preparations = preparations
        self._runs = runs
        self._housekeeper = housekeeper

    def CreateRun(self, request: CreateRunRequest, context: grpc.ServicerContext) -> CreateRunResponse:
        """Check the spec and start the task."""
        del context
        project = parse_name("projects/{project}", request.parent)["project"]
        if parse_name(PREPARATION_NAME, request.spec.preparation)["project"] != project:
            said = f"there is no preparation '{request.spec.preparation}' in {request.parent}"
            raise NotFound(said, resource=request.spec.preparation)
        _check(request.spec, self._preparations.get(request.spec.preparation))
        task = self._store.create(
            project, "train", request, request_id=request.request_id, parent_task=request.parent_task
        )
        self._owner.submit(task)
        return CreateRunResponse(task=task)

    def GetRun(self, request: GetRunRequest, context: grpc.ServicerContext) -> GetRunResponse:
        """Return one run."""
        del context
        self._housekeeper.settle(parse_name(RUN_NAME, request.name)["project"])
        return GetRunResponse(run=self._runs.get(request.name).run)

    def ListRuns(self, request: ListRunsRequest, context: grpc.ServicerContext) -> ListRunsResponse:
        """Return a project's runs, newest first."""
        del context
        self._housekeeper.settle(parse_name("projects/{project}", request.parent)["project"])
        runs, token = self._runs.page(request.parent, request.page_size, request.page_token)
        return ListRunsResponse(runs=runs, next_page_token=token)

    def GetLeaderboard(self, request: GetLeaderboardRequest, context: grpc.ServicerContext) -> GetLeaderboardResponse:
        """Return a run's candidates, best first; none before it has finished."""
        del context
        record = self._runs.get(request.name)
        if record.run.status == FINISHED:
            return record.leaderboard
        metric = find_metric(record.run.metric, task_type_name(record.run.task_type))
        return GetLeaderboardResponse(metric=metric.name, greater_is_better=metric.greater_is_better)

    def ExportRun(self, request: ExportRunRequest, context: grpc.ServicerContext) -> ExportRunResponse:
        """Start the task that makes a model version of a finished run."""
        del context
        project = parse_name(RUN_NAME, request.name)["project"]
        if request.model_id:
            require_id(request.model_id, "model_id")
        run = self._runs.get(request.name).run
        if run.status != FINISHED:
            said = f"the run '{request.name}' is {run.status}; only a finished run can be exported"
            raise FailedPrecondition(said, resource=request.name)
        task = self._store.create(
            project, "export", request, request_id=request.request_id, parent_task=request.parent_task
        )
        self._owner.submit(task)
        return ExportRunResponse(task=task)


def _check(spec: RunSpec, preparation: Preparation) -> None:
    """Raise InvalidArgument for figures, families or a metric that can't be."""
    resolve_spec(spec)
    task_type = task_type_name(preparation.task_type)
    try:
        find_metric(spec.metric, task_type)
    except KeyError as error:
        raise _invalid("spec.metric", str(error.args[0])) from error
    for name in spec.families:
        try:
            find_family(name)
        except KeyError as error:
            raise _invalid("spec.families", str(error.args[0])) from error
    if not families_for(Problem(task_type, 1000, 10, 2), tuple(spec.families)):
        raise _invalid("spec.families", f"none of {', '.join(spec.families)} fits a {task_type} target")


def _invalid(field: str, said: str) -> InvalidArgument:
    return InvalidArgument(said, violations=[FieldViolation(field, said)])
