"""Predictions online, and feedback about them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from fairlead.api.serving.v1.prediction_service_pb2 import SendFeedbackRequest, Truth

from ..documentation import body_of, failures
from ..domain.truth import truth_text
from ..relayed import response_of, rows_call
from ..schemas.prediction import (
    FeedbackReceipt,
    NewFeedback,
    PredictionRequest,
    PredictionResponse,
)
from .deployments import DeploymentId
from .parameters import TRACE, Gateway, Project

router = APIRouter(prefix="/api/v1/projects/{project_id}/deployments", tags=["deployments"])

PREDICTED: dict[int | str, dict[str, Any]] = {200: {"model": PredictionResponse, "description": "The predictions."}}


@router.post(
    "/{deployment_id}:predict",
    response_class=Response,
    responses={**PREDICTED, **failures(400, 401, 404, 413, 503)},
    openapi_extra=body_of(PredictionRequest),
)
async def predict(request: Request, deployment_id: DeploymentId, project: Project, gateway: Gateway) -> Response:
    """Predict rows now: columns that the model does not read are ignored, a missing one is an error.

    A value of a wrong type is refused with its row and column. Keep request_id to send feedback later.
    FAILED_PRECONDITION where an explanation or an interval is asked for that the model has not.
    """
    # The body goes on as it came: serving knows what the model reads.
    call = rows_call(project, deployment_id)
    call.body = await request.body()
    return response_of(await gateway.relay.ask(call, traced=TRACE in request.headers))


@router.post("/{deployment_id}:feedback", responses=failures(400, 401, 404, 503))
def send_feedback(
    deployment_id: DeploymentId, body: NewFeedback, project: Project, gateway: Gateway
) -> FeedbackReceipt:
    """Record what turned out to be right for earlier predictions: all of it, or none.

    A truth that is no class of the deployment's models, or no finite number for a regression, is refused and named.
    Whether its request and row exist shows later: the monitor's feedback_count counts what joined a prediction.
    """
    truths = [Truth(request_id=each.request_id, row=each.row, value=truth_text(each.value)) for each in body.truths]
    request = SendFeedbackRequest(deployment=f"{project}/deployments/{deployment_id}", truths=truths)
    return FeedbackReceipt(accepted_count=gateway.services.predictions.SendFeedback(request).accepted_count)
