"""Experiments: the versions that share a deployment's traffic, compared by the truths that came back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from fairlead.api.drift.v1.experiment_service_pb2 import GetExperimentRequest

from ..documentation import failures
from ..schemas.experiment import Experiment
from .parameters import Gateway, Project

router = APIRouter(prefix="/api/v1/projects/{project_id}/deployments", tags=["deployments"])

DeploymentId = Annotated[str, Path(description="The deployment's id.", examples=["income"])]
Number = Annotated[int, Query(ge=0, description="An earlier experiment; 0 is the newest.", examples=[1])]


@router.get("/{deployment_id}/experiment", responses=failures(400, 401, 404, 503))
def get_experiment(deployment_id: DeploymentId, project: Project, gateway: Gateway, number: Number = 0) -> Experiment:
    """Compare the versions of a deployment's traffic split on feedback; valid however often one looks.

    An experiment begins when the split gets other versions; a change of shares alone goes on with it.
    """
    request = GetExperimentRequest(name=f"{project}/deployments/{deployment_id}/experiment", number=number)
    return Experiment.of(gateway.services.experiments.GetExperiment(request).experiment)
