"""A REST inference response: JSON, and raw bytes after it for the outputs that were asked for that way."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from pydantic_core import to_json

from ...domain.inference import Answer, AnsweredRows
from ...domain.models.prediction import Prediction
from ...domain.requests.outputs import OutputTensor, output_tensors
from ...domain.requests.raw_tensors import encode_raw
from .http import BINARY, Response, json_response
from .infer_request import InferRequest


def infer_response(model_name: str, request: InferRequest, answer: Answer) -> Response:
    """Return an answer with the outputs asked for, each as it was asked for."""
    plain = answer.explanation is None and answer.interval is None
    if plain and answer.prediction.rows == 1 and not request.outputs and not request.binary_default:
        return next(row_responses(model_name, AnsweredRows((0,), [answer.request_id], answer.model, answer.prediction)))
    tensors = output_tensors(
        answer.prediction,
        request.outputs,
        classes=answer.model.schema.classes,
        explanation=answer.explanation,
        interval=answer.interval,
    )
    binary = [output.binary for output in request.outputs] or [request.binary_default] * len(tensors)
    head: dict[str, Any] = {
        "model_name": model_name,
        "model_version": answer.model.number,
        "id": answer.request_id,
    }
    if not any(binary):
        head["outputs"] = [_json_output(tensor) for tensor in tensors]
        return json_response(head)
    parts: list[bytes] = []
    outputs = []
    for tensor, as_bytes in zip(tensors, binary, strict=True):
        if not as_bytes:
            outputs.append(_json_output(tensor))
            continue
        parts.append(encode_raw(tensor))
        described = _described(tensor)
        described["parameters"] = {**(tensor.parameters or {}), "binary_data_size": len(parts[-1])}
        outputs.append(described)
    head["outputs"] = outputs
    json_part = to_json(head, inf_nan_mode="null")
    return Response(
        b"".join((json_part, *parts)),
        content_type=BINARY,
        headers=((b"inference-header-content-length", str(len(json_part)).encode()),),
    )


def row_responses(model_name: str, answered: AnsweredRows) -> Iterator[Response]:
    """Return what mostly comes, the answer to each request of a row; all but id and values is the same for each."""
    prediction = answered.prediction
    outputs = prediction.probabilities if prediction.values is None else prediction.values
    assert outputs is not None
    constant = _constant(model_name, answered.model.number, (1, *outputs.shape[1:]))
    before_id, before_labels, before_outputs, end = constant
    values = outputs.reshape(prediction.rows, -1).tolist()
    labels = prediction.labels
    for index, request_id in enumerate(answered.request_ids):
        label = b"" if labels is None else b"[" + to_json(labels[index]) + b"]"
        each = to_json(values[index], inf_nan_mode="null")
        yield Response(b"".join((before_id, to_json(request_id), before_labels, label, before_outputs, each, end)))


@lru_cache(maxsize=1024)
def _constant(model_name: str, number: str, shape: tuple[int, ...]) -> tuple[bytes, bytes, bytes, bytes]:
    """Return what lies before, between and behind id, labels and numbers; the shape of values or of probabilities."""
    if len(shape) == 1:
        blank = Prediction(1, values=np.zeros(shape))
    else:
        blank = Prediction(1, labels=[], probabilities=np.zeros(shape))
    outputs = [_described(tensor) for tensor in output_tensors(blank)]
    head = to_json({"model_name": model_name, "model_version": number})
    *labels, numbers = (to_json(output)[:-1] + b',"data":' for output in outputs)
    before_labels = b',"outputs":[' + b"".join(labels)
    return head[:-1] + b',"id":', before_labels, (b"}," if labels else b"") + numbers, b"}]}"


def _described(tensor: OutputTensor) -> dict[str, Any]:
    described: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
    if tensor.parameters:
        described["parameters"] = tensor.parameters
    return described


def _json_output(tensor: OutputTensor) -> dict[str, Any]:
    described = _described(tensor)
    described["data"] = tensor.data if isinstance(tensor.data, list) else tensor.data.ravel().tolist()
    return described
