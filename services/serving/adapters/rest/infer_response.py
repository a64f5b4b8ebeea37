"""A REST inference response: JSON, and raw bytes after it for the outputs that were asked for that way."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from ...domain.inference import Answer
from ...domain.outputs import OutputTensor, output_tensors
from ...domain.raw_tensors import encode_raw
from .http import BINARY, Response, json_response
from .infer_request import InferRequest


def infer_response(model_name: str, request: InferRequest, answer: Answer) -> Response:
    """Return an answer with the outputs asked for, each as it was asked for."""
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


def _described(tensor: OutputTensor) -> dict[str, Any]:
    described: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
    if tensor.parameters:
        described["parameters"] = tensor.parameters
    return described


def _json_output(tensor: OutputTensor) -> dict[str, Any]:
    described = _described(tensor)
    described["data"] = tensor.data if isinstance(tensor.data, list) else tensor.data.ravel().tolist()
    return described
