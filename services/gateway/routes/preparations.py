"""Preparations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from fairlead.api.common.v1.preparation_pb2 import PreparationStep
from fairlead.api.trainer.v1.preparation_service_pb2 import CreatePreparationRequest, GetPreparationRequest

from ..convert import struct
from ..documentation import failures
from ..domain.references import qualify
from ..schemas.preparation import NewPreparation, NewStep, Preparation
from ..schemas.task import Task
from .answers import accepted, target_message
from .parameters import Gateway, IdempotencyKey, Project

router = APIRouter(prefix="/api/v1/projects/{project_id}/preparations", tags=["preparations"])

PreparationId = Annotated[str, Path(description="The preparation's id.", examples=["p-1"])]


@router.post("", status_code=202, responses=failures(400, 401, 404, 503))
def create_preparation(
    body: NewPreparation,
    response: Response,
    project: Project,
    gateway: Gateway,
    idempotency_key: IdempotencyKey = "",
) -> Task:
    """Check and fit preparation steps on a dataset version; the task's result is the preparation."""
    request = CreatePreparationRequest(
        parent=project,
        dataset_version=qualify(project, "datasets", body.dataset_version, "dataset_version"),
        target=target_message(body.target),
        steps=[_step(step) for step in body.steps],
        request_id=idempotency_key,
    )
    return accepted(gateway.services.preparations.CreatePreparation(request).task, response)


@router.get("/{preparation_id}", responses=failures(401, 404, 503))
def get_preparation(preparation_id: PreparationId, project: Project, gateway: Gateway) -> Preparation:
    """Return one preparation with what each step did."""
    request = GetPreparationRequest(name=f"{project}/preparations/{preparation_id}")
    return Preparation.of(gateway.services.preparations.GetPreparation(request).preparation)


def _step(step: NewStep) -> PreparationStep:
    return PreparationStep(
        id=step.id,
        kind=step.kind,
        columns=step.columns,
        params=None if step.params is None else struct(step.params),
        confidence=step.confidence or 0.0,
        rationale=step.rationale,
        preview=step.preview,
    )
