"""The Open Inference Protocol, version 2, in JSON; serving answers it by gRPC."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request

from fairlead.api.inference.v2.open_inference_pb2 import (
    ModelInferRequest,
    ModelMetadataRequest,
    ModelReadyRequest,
    RepositoryIndexRequest,
    ServerLiveRequest,
    ServerMetadataRequest,
    ServerReadyRequest,
)
from fairlead.kit.errors import FailedPrecondition, Unavailable

from ..convert import to_json
from ..documentation import failures
from ..inference_wire import answer_json, request_message
from ..schemas.inference import (
    InferenceRequest,
    InferenceResponse,
    Liveness,
    ModelMetadata,
    ModelReadiness,
    RepositoryEntry,
    ServerMetadata,
    ServerReadiness,
)
from .parameters import Gateway

router = APIRouter(prefix="/v2", tags=["inference"])

ModelName = Annotated[str, Path(description="{project}.{deployment}", examples=["default.income"])]
ModelVersion = Annotated[str, Path(description="The version's number.", examples=["1"])]
BINARY_HEADER = "inference-header-content-length"
SERVING_REST_OFFSET = 81


@router.get("", responses=failures(401, 503))
def get_server_metadata(gateway: Gateway) -> ServerMetadata:
    """Tell who serves."""
    answer = gateway.services.inference.ServerMetadata(ServerMetadataRequest())
    return ServerMetadata(
        name=answer.name or "fairlead",
        version=answer.version or version_of("fairlead"),
        # Binary tensors are an extension of serving's own port, see infer.
        extensions=[each for each in answer.extensions if each != "binary_tensor_data"],
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


@router.post("/repository/index", responses=failures(401, 503))
def list_repository(gateway: Gateway) -> list[RepositoryEntry]:
    """List the models that serving holds."""
    models = gateway.services.inference.RepositoryIndex(RepositoryIndexRequest()).models
    return [RepositoryEntry(**to_json(model)) for model in models]


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


async def refuse_binary(request: Request, gateway: Gateway) -> None:
    """Raise FailedPrecondition for a request with binary tensors, which only serving's own port takes."""
    if BINARY_HEADER in request.headers:
        port = gateway.settings.base_port + SERVING_REST_OFFSET
        raise FailedPrecondition(
            "the gateway takes JSON tensors only; send binary tensors to serving's own Open Inference port "
            f"({port}, or {port + 1} for gRPC), or set binary_data=False in the client"
        )


INFER: dict[str, Any] = {"dependencies": [Depends(refuse_binary)], "responses": failures(400, 401, 404, 503)}


@router.post("/models/{model_name}/infer", **INFER)
def infer(model_name: ModelName, body: InferenceRequest, gateway: Gateway) -> InferenceResponse:
    """Infer from JSON tensors, one an input column; null is a missing value."""
    return _infer(gateway, request_message(model_name, "", body))


@router.post("/models/{model_name}/versions/{model_version}/infer", **INFER)
def infer_with_version(
    model_name: ModelName, model_version: ModelVersion, body: InferenceRequest, gateway: Gateway
) -> InferenceResponse:
    """Infer from JSON tensors by a version of a model."""
    return _infer(gateway, request_message(model_name, model_version, body))


def _metadata(gateway: Gateway, name: str, version: str = "") -> ModelMetadata:
    request = ModelMetadataRequest(name=name, version=version)
    return ModelMetadata(**to_json(gateway.services.inference.ModelMetadata(request)))


def _readiness(gateway: Gateway, name: str, version: str = "") -> ModelReadiness:
    if not gateway.services.inference.ModelReady(ModelReadyRequest(name=name, version=version)).ready:
        raise FailedPrecondition(f"model '{name}' is not ready", resource=name)
    return ModelReadiness(name=name, ready=True)


def _infer(gateway: Gateway, message: ModelInferRequest) -> InferenceResponse:
    return InferenceResponse(**answer_json(gateway.services.inference.ModelInfer(message)))
