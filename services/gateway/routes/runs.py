"""Runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Response

from fairlead.api.trainer.v1.run_pb2 import RunSpec
from fairlead.api.trainer.v1.run_service_pb2 import (
    CreateRunRequest,
    ExportRunRequest,
    GetLeaderboardRequest,
    GetRunRequest,
    ListRunsRequest,
)

from ..convert import seconds
from ..documentation import failures
from ..domain.budget import parse_budget
from ..domain.references import qualify
from ..schemas.run import ExportChoice, Leaderboard, NewRun, Run, RunPage
from ..schemas.task import Task
from .answers import accepted
from .parameters import Gateway, IdempotencyKey, Paging, Project

router = APIRouter(prefix="/api/v1/projects/{project_id}/runs", tags=["runs"])

RunId = Annotated[str, Path(description="The run's id, which is the MLflow run's.", examples=["5f2c"])]


@router.post("", status_code=202, responses=failures(400, 401, 404, 503))
def create_run(
    body: NewRun, response: Response, project: Project, gateway: Gateway, idempotency_key: IdempotencyKey = ""
) -> Task:
    """Train: search model families within the budget and ensemble the best; the task's result is the run."""
    spec = RunSpec(
        preparation=qualify(project, "preparations", body.preparation, "preparation"),
        families=body.families,
        budget=seconds(parse_budget(body.budget)),
        folds=body.folds,
        metric=body.metric,
        seed=body.seed,
        holdout=body.holdout,
    )
    request = CreateRunRequest(parent=project, spec=spec, request_id=idempotency_key)
    return accepted(gateway.services.runs.CreateRun(request).task, response)


@router.get("", responses=failures(400, 401, 404, 503))
def list_runs(project: Project, gateway: Gateway, paging: Paging) -> RunPage:
    """List a project's runs, newest first."""
    request = ListRunsRequest(parent=project, page_size=paging.size, page_token=paging.token)
    answer = gateway.services.runs.ListRuns(request)
    return RunPage(items=[Run.of(each) for each in answer.runs], next_page_token=answer.next_page_token)


@router.get("/{run_id}", responses=failures(401, 404, 503))
def get_run(run_id: RunId, project: Project, gateway: Gateway) -> Run:
    """Return one run."""
    return Run.of(gateway.services.runs.GetRun(GetRunRequest(name=f"{project}/runs/{run_id}")).run)


@router.get("/{run_id}/leaderboard", responses=failures(401, 404, 503))
def get_leaderboard(run_id: RunId, project: Project, gateway: Gateway) -> Leaderboard:
    """Return a run's candidates, best first."""
    request = GetLeaderboardRequest(name=f"{project}/runs/{run_id}")
    return Leaderboard.of(gateway.services.runs.GetLeaderboard(request))


@router.post("/{run_id}:export", status_code=202, responses=failures(400, 401, 404, 503))
def export_run(
    run_id: RunId,
    response: Response,
    project: Project,
    gateway: Gateway,
    body: Annotated[ExportChoice | None, Body()] = None,
    idempotency_key: IdempotencyKey = "",
) -> Task:
    """Turn a run's winner into a registered model version, which is the task's result."""
    model_id = body.model_id if body else ""
    request = ExportRunRequest(name=f"{project}/runs/{run_id}", model_id=model_id, request_id=idempotency_key)
    return accepted(gateway.services.runs.ExportRun(request).task, response)
