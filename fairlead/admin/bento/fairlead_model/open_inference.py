"""The Open Inference Protocol, version 2, over REST: a tensor per column, in JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic_core import from_json, to_json
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .manifest import BOOLEAN, NUMBER, Manifest
from .model import Predicted, the_model
from .rows import Refused, column_of

BYTES = "BYTES"
TYPES = {"FP16": "<f2", "FP32": "<f4", "FP64": "<f8"}
BINARY = "inference-header-content-length"


def open_inference(manifest: Manifest) -> Starlette:
    """Return the application, for routes below /v2."""
    about = {
        "name": manifest.model,
        "versions": [manifest.number],
        "platform": "fairlead",
        "inputs": [{"name": c.name, "datatype": _datatype(c.kind), "shape": [-1, 1]} for c in manifest.columns],
        "outputs": _outputs(manifest),
    }

    async def live(_request: Request) -> Response:
        return _json({"live": True})

    async def ready(_request: Request) -> Response:
        return _json({"ready": True})

    async def server(_request: Request) -> Response:
        return _json({"name": "fairlead-bento", "version": manifest.number, "extensions": []})

    async def metadata(request: Request) -> Response:
        return _unknown(request, manifest) or _json(about)

    async def model_ready(request: Request) -> Response:
        return _unknown(request, manifest) or _json({"name": manifest.model, "ready": True})

    async def infer(request: Request) -> Response:
        unknown = _unknown(request, manifest)
        if unknown is not None:
            return unknown
        if BINARY in request.headers:
            return _json({"error": "binary tensors are not read here; send their data as JSON"}, 400)
        try:
            body = await request.body()
            return _json(await run_in_threadpool(_infer, manifest, body))
        except Refused as error:
            return _json({"error": str(error)}, 400)

    model = "/v2/models/{model}"
    version = f"{model}/versions/{{version}}"
    return Starlette(
        routes=[
            Route("/v2", server),
            Route("/v2/health/live", live),
            Route("/v2/health/ready", ready),
            *[Route(path, metadata) for path in (model, version)],
            *[Route(f"{path}/ready", model_ready) for path in (model, version)],
            *[Route(f"{path}/infer", infer, methods=["POST"]) for path in (model, version)],
        ]
    )


def _infer(manifest: Manifest, body: bytes) -> dict[str, Any]:
    try:
        asked = from_json(body)
    except ValueError as error:
        raise Refused(f"the body is not JSON: {error}") from None
    if not isinstance(asked, dict) or not isinstance(asked.get("inputs"), list):
        raise Refused('the body must be an object with "inputs", a list of tensors')
    sent = {str(tensor["name"]): tensor for tensor in asked["inputs"] if isinstance(tensor, dict) and "name" in tensor}
    absent = [column.name for column in manifest.columns if column.name not in sent]
    if absent:
        raise Refused(f"the model reads the tensors {', '.join(map(repr, absent))}, which were not sent")
    columns = [column_of(column, _values(sent[column.name])) for column in manifest.columns]
    if len({len(column) for column in columns}) > 1:
        raise Refused("the tensors have different numbers of rows; send tensors of equal length")
    known = {each["name"]: each for each in _tensors(manifest, the_model().predict(columns))}
    wanted = [str(each.get("name")) for each in asked.get("outputs") or ()] or list(known)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise Refused(f"the model has no output '{unknown[0]}'; it answers {', '.join(known)}")
    return {
        "model_name": manifest.model,
        "model_version": manifest.number,
        "id": str(asked.get("id") or ""),
        "outputs": [known[name] for name in wanted],
    }


def _values(tensor: Mapping[str, Any]) -> list[Any]:
    """Return a tensor's data, flat; numbers as precise as its datatype says."""
    data, shape = tensor.get("data"), tensor.get("shape")
    if not isinstance(data, list) or not isinstance(shape, list):
        raise Refused(f"tensor '{tensor['name']}' needs a shape and data, both lists")
    values = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in data]
    if shape not in ([len(values)], [len(values), 1]):
        raise Refused(f"tensor '{tensor['name']}' has shape {shape} and {len(values)} values; expected [n] or [n, 1]")
    dtype = TYPES.get(str(tensor.get("datatype")))
    if dtype is None:
        return values
    try:
        numbers: list[Any] = np.array([np.nan if value is None else value for value in values], dtype=dtype).tolist()
    except (TypeError, ValueError):
        raise Refused(f"tensor '{tensor['name']}' holds what is no number, but is {tensor['datatype']}") from None
    return numbers


def _tensors(manifest: Manifest, made: Predicted) -> Sequence[dict[str, Any]]:
    shapes = _outputs(manifest)
    answers = [made.labels, made.probabilities] if manifest.classes else [made.values]
    arrays = [np.asarray(answer) for answer in answers]
    return [
        {**about, "shape": [*array.shape], "data": array.ravel().tolist()}
        for about, array in zip(shapes, arrays, strict=True)
    ]


def _outputs(manifest: Manifest) -> list[dict[str, Any]]:
    if not manifest.classes:
        return [{"name": "predict", "datatype": "FP64", "shape": [-1]}]
    return [
        {"name": "predict", "datatype": BYTES, "shape": [-1]},
        {"name": "predict_proba", "datatype": "FP64", "shape": [-1, len(manifest.classes)]},
    ]


def _datatype(kind: str) -> str:
    return {NUMBER: "FP64", BOOLEAN: "BOOL"}.get(kind, BYTES)


def _unknown(request: Request, manifest: Manifest) -> Response | None:
    """Return the refusal of a call that is for another model or version."""
    name, version = request.path_params["model"], request.path_params.get("version", manifest.number)
    if (name, version) == (manifest.model, manifest.number):
        return None
    return _json({"error": f"there is no model '{name}' in version {version}; this is {manifest.model}"}, 404)


def _json(value: object, status: int = 200) -> Response:
    return Response(to_json(value, inf_nan_mode="null"), status, media_type="application/json")
