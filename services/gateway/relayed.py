"""Predictions in the forms that serving's relay takes: HTTP requests to calls, and answers to responses."""

from __future__ import annotations

from fastapi import Response

from fairlead.api.serving.v1.relay_service_pb2 import (
    RELAY_FORM_OPEN_INFERENCE,
    RELAY_FORM_ROWS,
    RelayedAnswer,
    RelayedCall,
)
from fairlead.kit.errors import InvalidArgument, NotFound

JSON_LENGTH = "Inference-Header-Content-Length"
LENGTH_DIGITS = 18


def rows_call(project: str, deployment_id: str) -> RelayedCall:
    """Return the call, its body still to come, for rows to a deployment of projects/{project}."""
    return RelayedCall(form=RELAY_FORM_ROWS, deployment=f"{project}/deployments/{deployment_id}")


def tensors_call(model: str, version: str, json_length: str | None) -> RelayedCall:
    """Return the call, its body still to come, for tensors to a version of a model, "" for whichever the split gives.

    json_length is the header of that name, None where there is none. Raises NotFound for a name that can't be a
    model's, InvalidArgument for a length that is none.
    """
    project, dot, deployment = model.partition(".")
    if not dot:
        raise NotFound(f"there is no model '{model}'; models are named PROJECT.DEPLOYMENT", resource=model)
    return RelayedCall(
        form=RELAY_FORM_OPEN_INFERENCE,
        deployment=f"projects/{project}/deployments/{deployment}",
        version=version,
        json_length=0 if json_length is None else _length(json_length),
    )


def response_of(answer: RelayedAnswer) -> Response:
    """Return the response that an answer with a body makes, whichever form was asked."""
    if not answer.json_length:
        return Response(answer.body, media_type="application/json")
    headers = {JSON_LENGTH: str(answer.json_length)}
    return Response(answer.body, headers=headers, media_type="application/octet-stream")


def _length(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= LENGTH_DIGITS):
        raise InvalidArgument(f"the header {JSON_LENGTH} is '{text}'; it must be the length of the JSON part")
    return int(text)
