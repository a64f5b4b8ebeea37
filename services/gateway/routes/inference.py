"""The Open Inference Protocol, version 2; serving answers it."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from fairlead.api.inference.v2.open_inference_pb2 import (
    ModelMetadataRequest,
    ModelReadyRequest,
    ServerLiveRequest,
    ServerMetadataRequest,
    ServerReadyRequest,
)
from fairlead.kit.errors import FailedPrecondition, Unavailable

from ..convert import to_json
from ..documentation import body_of, failures
from ..relayed import JSON_LENGTH, response_of, tensors_call
from ..schemas.inference import (
    InferenceRequest,
    InferenceResponse,
    Liveness,
    ModelMetadata,
    ModelReadiness,
    ServerMetadata,
    ServerReadiness,
)
from .parameters import TRACE, Gateway

router = APIRouter(prefix="/v2", tags=["inference"])

ModelName = Annotated[str, Path(description="{project}.{deployment}", examples=["default.income"])]
ModelVersion = Annotated[str, Path(description="The version's number.", examples=["1"])]


@router.get("", responses=failures(401, 503))
def get_server_metadata(gateway: Gateway) -> ServerMetadata:
    """Tell who serves."""
    answer = gateway.services.inference.ServerMetadata(ServerMetadataRequest())
    return ServerMetadata(
        name=answer.name or "fairlead",
        version=answer.version or version_of("fairlead"),
        extensions=list(answer.extensions),
    )


@router.get("/health/live", responses=failures(401, 503))
def get_server_liveness(gateway: Gateway) -> Liveness:
    """Tell whether serving lives."""
    return Liveness(live=gateway.services.inference.ServerLive(ServerLiveRequest()).live)


@router.get("/health/ready", responses=failures(401, 503))
def get_server_readiness(gateway: Gateway) -> ServerReadiness:
    """Tell whether serving is ready; 503 where it is not."""
    if not gateway.services.inference.ServerReady(ServerReadyRequest()).ready:
        raise Unavailable("serving is not ready yet; try again in a few seconds", retry_after=2.0)
    return ServerReadiness(ready=True)


@router.get("/models/{model_name}", responses=failures(401, 404, 503))
def get_model_metadata(model_name: ModelName, gateway: Gateway) -> ModelMetadata:
    """Tell what a model takes and gives."""
    return _metadata(gateway, model_name)


@router.get("/models/{model_name}/versions/{model_version}", responses=failures(401, 404, 503))
def get_model_version_metadata(model_name: ModelName, model_version: ModelVersion, gateway: Gateway) -> ModelMetadata:
    """Tell what a version of a model takes and gives."""
    return _metadata(gateway, model_name, model_version)


@router.get("/models/{model_name}/ready", responses=failures(400, 401, 404, 503))
def get_model_readiness(model_name: ModelName, gateway: Gateway) -> ModelReadiness:
    """Tell whether a model answers; 400 where it does not."""
    return _readiness(gateway, model_name)


@router.get("/models/{model_name}/versions/{model_version}/ready", responses=failures(400, 401, 404, 503))
def get_model_version_readiness(model_name: ModelName, model_version: ModelVersion, gateway: Gateway) -> ModelReadiness:
    """Tell whether a version of a model answers; 400 where it does not."""
    return _readiness(gateway, model_name, model_version)


INFERRED: dict[int | str, dict[str, Any]] = {200: {"model": InferenceResponse, "description": "Tensors."}}
INFER: dict[str, Any] = {
    "response_class": Response,
    "responses": {**INFERRED, **failures(400, 401, 404, 413, 503)},
    "openapi_extra": body_of(InferenceRequest),
}


@router.post("/models/{model_name}/infer", **INFER)
async def infer(model_name: ModelName, request: Request, gateway: Gateway) -> Response:
    """Infer from tensors, one an input column; null is a missing value. Raw tensors may follow the JSON."""
    return await _infer(gateway, model_name, "", request)


@router.post("/models/{model_name}/versions/{model_version}/infer", **INFER)
async def infer_with_version(
    model_name: ModelName, model_version: ModelVersion, request: Request, gateway: Gateway
) -> Response:
    """Infer from tensors by a version of a model."""
    return await _infer(gateway, model_name, model_version, request)


def _metadata(gateway: Gateway, name: str, version: str = "") -> ModelMetadata:
    request = ModelMetadataRequest(name=name, version=version)
    return ModelMetadata(**to_json(gateway.services.inference.ModelMetadata(request)))


def _readiness(gateway: Gateway, name: str, version: str = "") -> ModelReadiness:
    if not gateway.services.inference.ModelReady(ModelReadyRequest(name=name, version=version)).ready:
        raise FailedPrecondition(f"model '{name}' is not ready", resource=name)
    return ModelReadiness(name=name, ready=True)


async def _infer(gateway: Gateway, model: str, version: str, request: Request) -> Response:
    call = tensors_call(model, version, request.headers.get(JSON_LENGTH))
    call.body = await request.body()
    return response_of(await gateway.relay.ask(call, traced=TRACE in request.headers))
