"""Predictions online, and feedback about them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import from_json, to_json

from fairlead.api.serving.v1.prediction_service_pb2 import (
    PredictResponse,
    SendFeedbackRequest,
    Truth,
)
from fairlead.kit.errors import FieldViolation, InvalidArgument

from ..documentation import failures
from ..domain import predictions as shown
from ..domain.predictions import Asked
from ..domain.truth import truth_text
from ..off_loop import LARGE_BYTES, work
from ..schemas.prediction import (
    FeedbackReceipt,
    NewFeedback,
    PredictionRequest,
    PredictionResponse,
)
from .deployments import DeploymentId
from .parameters import Gateway, Project

router = APIRouter(prefix="/api/v1/projects/{project_id}/deployments", tags=["deployments"])

# The body is read by hand: checking each value against a model costs more than predicting it.
PREDICT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": PredictionRequest.model_json_schema(),
                "example": PredictionRequest.example(),
            }
        },
    }
}
MEMBERS = frozenset(PredictionRequest.model_fields)
PREDICTED: dict[int | str, dict[str, Any]] = {200: {"model": PredictionResponse, "description": "The predictions."}}


@router.post(
    "/{deployment_id}:predict",
    response_class=Response,
    responses={**PREDICTED, **failures(400, 401, 404, 413, 503)},
    openapi_extra=PREDICT_BODY,
)
async def predict(request: Request, deployment_id: DeploymentId, project: Project, gateway: Gateway) -> Response:
    """Predict rows now: columns that the model does not read are ignored, a missing one is an error.

    A value of a wrong type is refused with its row and column. Keep request_id to send feedback later.
    FAILED_PRECONDITION where an explanation or an interval is asked for that the model has not.
    """
    body = await request.body()
    large = len(body) > LARGE_BYTES
    asked = await work(large, _asked, body)
    answer = await gateway.predictor.predict(f"{project}/deployments/{deployment_id}", asked, large)
    return Response(await work(large, _told, answer), media_type="application/json")


@router.post("/{deployment_id}:feedback", responses=failures(400, 401, 404, 503))
def send_feedback(
    deployment_id: DeploymentId, body: NewFeedback, project: Project, gateway: Gateway
) -> FeedbackReceipt:
    """Record what turned out to be right for earlier predictions."""
    truths = [Truth(request_id=each.request_id, row=each.row, value=truth_text(each.value)) for each in body.truths]
    request = SendFeedbackRequest(deployment=f"{project}/deployments/{deployment_id}", truths=truths)
    return FeedbackReceipt(accepted_count=gateway.services.predictions.SendFeedback(request).accepted_count)


def _asked(body: bytes) -> Asked:
    """Return what a body asks for. Raises InvalidArgument."""
    value = _object(body)
    explain = value.get("explain")
    if explain is not None and not isinstance(explain, bool):
        raise _invalid("explain", "must be true or false")
    return Asked(_rows(value), _text(value, "request_id"), _text(value, "routing_key"), bool(explain), _coverage(value))


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = from_json(body)
    except ValueError as error:
        raise _invalid("body", f"is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise _invalid("body", 'must be an object such as {"rows": [{"age": 39}]}')
    unknown = value.keys() - MEMBERS
    if unknown:
        raise _invalid(min(unknown), f"is no member of a prediction request; there are {', '.join(sorted(MEMBERS))}")
    return value


def _text(body: dict[str, Any], member: str) -> str:
    value = body.get(member)
    if value is not None and not isinstance(value, str):
        raise _invalid(member, "must be text")
    return value or ""


def _coverage(body: dict[str, Any]) -> float:
    value = body.get("interval")
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise _invalid("interval", "must be a coverage between 0 and 1, such as 0.9")
    return float(value)


def _rows(body: dict[str, Any]) -> list[dict[str, Any]]:
    rows = body.get("rows")
    if not isinstance(rows, list) or not rows:
        raise _invalid("rows", "must be a list of one or more objects, column to value")
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise _invalid(f"rows[{index}]", "must be an object, column to value")
    return rows


def _told(answer: PredictResponse) -> bytes:
    return to_json(_answer(answer))


def _answer(answer: PredictResponse) -> dict[str, Any]:
    if answer.labels:
        predictions = shown.classified(answer.labels, answer.classes, answer.probabilities)
    else:
        predictions = shown.estimated(answer.values)
    told: dict[str, Any] = {
        "request_id": answer.request_id,
        "model_version": answer.model_version,
        "predictions": predictions,
    }
    if answer.HasField("explanation"):
        told["explanation"] = _explain(answer, predictions)
    if answer.HasField("interval"):
        told["coverage"] = _bound(answer, predictions)
    return told


def _explain(answer: PredictResponse, predictions: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the contributions into the predictions, and return what they sum to."""
    made, classes = answer.explanation, answer.classes
    parts = shown.contributions(made.columns, made.contributions, classes, len(predictions))
    for prediction, part in zip(predictions, parts, strict=True):
        prediction["contributions"] = part
    label = classes[1] if len(classes) == 2 else None
    return {"scale": made.scale, "base_value": shown.base(made.base_values, classes), "label": label}


def _bound(answer: PredictResponse, predictions: list[dict[str, Any]]) -> float:
    """Put the intervals or sets into the predictions, and return their coverage."""
    made = answer.interval
    bounds = shown.label_sets(made.contains, answer.classes) if answer.labels else shown.ranges(made.lower, made.upper)
    for prediction, bound in zip(predictions, bounds, strict=True):
        prediction["interval"] = bound
    return made.coverage


def _invalid(field: str, rule: str) -> InvalidArgument:
    return InvalidArgument(f"{field} {rule}", violations=[FieldViolation(field, rule)])
