"""Deployments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Response

from fairlead.api.serving.v1.deployment_pb2 import Deployment as DeploymentMessage
from fairlead.api.serving.v1.deployment_pb2 import TrafficStep, TrafficTarget
from fairlead.api.serving.v1.deployment_service_pb2 import (
    CreateDeploymentRequest,
    DeleteDeploymentRequest,
    GetDeploymentRequest,
    ListDeploymentsRequest,
    PromoteVersionRequest,
    RollBackDeploymentRequest,
    SplitTrafficRequest,
    UpdateDeploymentRequest,
)
from fairlead.kit.resources import require_id

from ..convert import instant
from ..documentation import failures
from ..domain.references import qualify
from ..schemas.deployment import (
    Deployment,
    DeploymentChange,
    DeploymentPage,
    NewDeployment,
    Promotion,
    TargetShare,
    TrafficSplit,
)
from .parameters import Gateway, IfMatch, Paging, Project, etag_of, quoted

router = APIRouter(prefix="/api/v1/projects/{project_id}/deployments", tags=["deployments"])

DeploymentId = Annotated[str, Path(description="The deployment's id.", examples=["income"])]
# The call answers once the model is loaded, and a large one takes its time.
LOAD_SECONDS = 120.0


@router.post("", status_code=201, responses=failures(400, 401, 404, 409, 503))
def create_deployment(body: NewDeployment, response: Response, project: Project, gateway: Gateway) -> Deployment:
    """Serve a model version; the answer comes once it answers predictions. A monitor is made for it."""
    request = CreateDeploymentRequest(
        parent=project,
        deployment_id=require_id(body.deployment_id, "deployment_id"),
        model_version=qualify(project, "models", body.model_version, "model_version"),
        pinned=body.pinned,
        log_sampling_rate=body.log_sampling_rate,
    )
    answer = gateway.services.deployments.CreateDeployment(request, timeout=LOAD_SECONDS)
    response.headers["Location"] = f"/api/v1/{answer.deployment.name}"
    return _tagged(answer.deployment, response)


@router.get("", responses=failures(400, 401, 404, 503))
def list_deployments(project: Project, gateway: Gateway, paging: Paging) -> DeploymentPage:
    """List a project's deployments by name."""
    request = ListDeploymentsRequest(parent=project, page_size=paging.size, page_token=paging.token)
    answer = gateway.services.deployments.ListDeployments(request)
    items = [Deployment.of(each) for each in answer.deployments]
    return DeploymentPage(items=items, next_page_token=answer.next_page_token)


@router.get("/{deployment_id}", responses=failures(401, 404, 503))
def get_deployment(deployment_id: DeploymentId, response: Response, project: Project, gateway: Gateway) -> Deployment:
    """Return one deployment."""
    request = GetDeploymentRequest(name=f"{project}/deployments/{deployment_id}")
    return _tagged(gateway.services.deployments.GetDeployment(request).deployment, response)


@router.patch("/{deployment_id}", responses=failures(400, 401, 404, 409, 503))
def update_deployment(
    deployment_id: DeploymentId,
    body: DeploymentChange,
    response: Response,
    project: Project,
    gateway: Gateway,
    if_match: IfMatch = "",
) -> Deployment:
    """Serve another version alone under the same name, without a gap, or change how it is kept and logged.

    If-Match guards against others' changes.
    """
    request = UpdateDeploymentRequest(
        name=f"{project}/deployments/{deployment_id}",
        model_version=qualify(project, "models", body.model_version, "model_version"),
        etag=etag_of(if_match),
        pinned=body.pinned,
        log_sampling_rate=body.log_sampling_rate,
    )
    answer = gateway.services.deployments.UpdateDeployment(request, timeout=LOAD_SECONDS)
    return _tagged(answer.deployment, response)


@router.put("/{deployment_id}/traffic", responses=failures(400, 401, 404, 409, 503))
def split_traffic(
    deployment_id: DeploymentId,
    body: TrafficSplit,
    response: Response,
    project: Project,
    gateway: Gateway,
    if_match: IfMatch = "",
) -> Deployment:
    """Divide the requests among model versions from now on, in steps to come, or both; no request fails meanwhile.

    The answer comes once all of them are loaded. Versions of one split must read the same columns.
    """
    request = SplitTrafficRequest(
        name=f"{project}/deployments/{deployment_id}",
        traffic=_targets(project, body.traffic, "traffic"),
        steps=[
            TrafficStep(time=instant(step.time), traffic=_targets(project, step.traffic, f"steps[{index}].traffic"))
            for index, step in enumerate(body.steps)
        ],
        etag=etag_of(if_match),
    )
    answer = gateway.services.deployments.SplitTraffic(request, timeout=LOAD_SECONDS)
    return _tagged(answer.deployment, response)


@router.post("/{deployment_id}:promote", responses=failures(400, 401, 404, 409, 503))
def promote_version(
    deployment_id: DeploymentId,
    response: Response,
    project: Project,
    gateway: Gateway,
    body: Promotion | None = None,
    if_match: IfMatch = "",
) -> Deployment:
    """Let one version of the split answer everything; steps to come are dropped."""
    wanted = body.model_version if body is not None else ""
    request = PromoteVersionRequest(
        name=f"{project}/deployments/{deployment_id}",
        model_version=qualify(project, "models", wanted, "model_version"),
        etag=etag_of(if_match),
    )
    answer = gateway.services.deployments.PromoteVersion(request, timeout=LOAD_SECONDS)
    return _tagged(answer.deployment, response)


@router.post("/{deployment_id}:rollBack", responses=failures(400, 401, 404, 409, 503))
def roll_back_deployment(
    deployment_id: DeploymentId, response: Response, project: Project, gateway: Gateway, if_match: IfMatch = ""
) -> Deployment:
    """Return at once to the split before this one; steps to come are dropped."""
    request = RollBackDeploymentRequest(name=f"{project}/deployments/{deployment_id}", etag=etag_of(if_match))
    answer = gateway.services.deployments.RollBackDeployment(request, timeout=LOAD_SECONDS)
    return _tagged(answer.deployment, response)


@router.delete("/{deployment_id}", status_code=204, responses=failures(401, 404, 503))
def delete_deployment(deployment_id: DeploymentId, project: Project, gateway: Gateway) -> None:
    """Stop serving."""
    request = DeleteDeploymentRequest(name=f"{project}/deployments/{deployment_id}")
    gateway.services.deployments.DeleteDeployment(request)


def _targets(project: str, shares: Sequence[TargetShare], field: str) -> list[TrafficTarget]:
    return [
        TrafficTarget(
            model_version=qualify(project, "models", share.model_version, f"{field}[{index}].model_version"),
            percent=share.percent,
            shadow=share.shadow,
        )
        for index, share in enumerate(shares)
    ]


def _tagged(deployment: DeploymentMessage, response: Response) -> Deployment:
    response.headers["ETag"] = quoted(deployment.etag)
    return Deployment.of(deployment)
