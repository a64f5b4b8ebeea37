"""The Open Inference Protocol, version 2, over REST, in JSON."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .infer_request import parse_infer_request, seconds_of
from .json_tensors import BYTES
from .manifest import BOOLEAN, NUMBER, Manifest
from .model import Array, Predicted
from .outputs import described_outputs, output_tensors
from .rows import Refused
from .tensors import columns_of_tensors

BINARY = "inference-header-content-length"

Predict = Callable[[list[Array]], Predicted]


class Late(Exception):
    """The caller waits no more, so that nothing is computed for it."""


def open_inference(manifest: Manifest, predict: Predict) -> Starlette:
    """Return the application, for routes below /v2; predict takes the columns that the manifest names."""
    about = {
        "name": manifest.model,
        "versions": [manifest.number],
        "platform": "fairlead",
        "inputs": [{"name": c.name, "datatype": _datatype(c.kind), "shape": [-1, 1]} for c in manifest.columns],
        "outputs": described_outputs(manifest),
    }

    async def live(_request: Request) -> Response:
        return _json({"live": True})

    async def ready(_request: Request) -> Response:
        return _json({"ready": True})

    async def server(_request: Request) -> Response:
        return _json({"name": "fairlead-bento", "version": manifest.number, "extensions": ["classification"]})

    async def metadata(request: Request) -> Response:
        return _unknown(request, manifest) or _json(about)

    async def model_ready(request: Request) -> Response:
        return _unknown(request, manifest) or _json({"name": manifest.model, "ready": True})

    async def infer(request: Request) -> Response:
        return _unknown(request, manifest) or await _told(request, manifest, predict)

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


async def _told(request: Request, manifest: Manifest, predict: Predict) -> Response:
    if BINARY in request.headers:
        return _json({"error": "binary tensors are not read here; send their data as JSON"}, 400)
    came = time.monotonic()
    try:
        header = request.headers.get("grpc-timeout")
        ends = came + seconds_of(header) if header is not None else None
        return _json(await run_in_threadpool(_infer, manifest, predict, await request.body(), came, ends))
    except Refused as error:
        return _json({"error": str(error)}, 400)
    except Late as error:
        return _json({"error": str(error)}, 504)


def _infer(manifest: Manifest, predict: Predict, body: bytes, came: float, ends: float | None) -> dict[str, Any]:
    request = parse_infer_request(manifest, body)
    columns = columns_of_tensors(manifest.columns, request.tensors)
    if request.timeout is not None:
        ends = min(came + request.timeout, ends) if ends is not None else came + request.timeout
    if ends is not None and time.monotonic() >= ends:
        raise Late("the caller's deadline has passed")
    return {
        "model_name": manifest.model,
        "model_version": manifest.number,
        "id": request.id,
        "outputs": output_tensors(manifest, predict(columns), request.outputs),
    }


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
