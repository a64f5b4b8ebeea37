"""The Open Inference Protocol's extensions: the model repository, configuration and statistics; serving answers them.

Where serving has several processes one of them is asked: loads and statistics are that process's.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from pydantic import ValidationError

from fairlead.api.inference.v2.open_inference_pb2 import (
    ModelConfigRequest,
    ModelStatisticsRequest,
    RepositoryIndexRequest,
    RepositoryModelLoadRequest,
    RepositoryModelUnloadRequest,
)
from fairlead.kit.errors import InvalidArgument

from ..convert import to_json
from ..documentation import body_of, failures
from ..schemas.base import Schema
from ..schemas.inference import RepositoryEntry
from ..schemas.repository import (
    ModelConfiguration,
    ModelList,
    ModelStatistics,
    RepositoryQuery,
    RepositoryReceipt,
    RepositoryRequest,
)
from .inference import ModelName, ModelVersion
from .parameters import Gateway

router = APIRouter(prefix="/v2", tags=["inference"])

Body = TypeVar("Body", bound=Schema)


async def _query(request: Request) -> RepositoryQuery:
    return await _read(request, RepositoryQuery)


async def _asked(request: Request) -> RepositoryRequest:
    return await _read(request, RepositoryRequest)


Query = Annotated[RepositoryQuery, Depends(_query)]
Asked = Annotated[RepositoryRequest, Depends(_asked)]
ABOUT_BODY: dict[str, Any] = {
    "responses": failures(400, 401, 404, 413, 503),
    "openapi_extra": body_of(RepositoryRequest, required=False),
}


@router.post(
    "/repository/index",
    responses=failures(400, 401, 413, 503),
    openapi_extra=body_of(RepositoryQuery, required=False),
)
def list_repository(query: Query, gateway: Gateway) -> list[RepositoryEntry]:
    """List the versions of the models that serving has."""
    models = gateway.services.inference.RepositoryIndex(RepositoryIndexRequest(ready=query.ready)).models
    return [RepositoryEntry(**to_json(model)) for model in models]


@router.post("/repository/models/{model_name}/load", **ABOUT_BODY)
def load_model(model_name: ModelName, asked: Asked, gateway: Gateway) -> RepositoryReceipt:
    """Load a model into memory, so that its next prediction need not wait for it."""
    request = RepositoryModelLoadRequest(model_name=model_name)
    for name, value in (asked.parameters or {}).items():
        request.parameters[name].string_param = str(value)
    gateway.services.inference.RepositoryModelLoad(request)
    return RepositoryReceipt()


@router.post("/repository/models/{model_name}/unload", **ABOUT_BODY)
def unload_model(model_name: ModelName, asked: Asked, gateway: Gateway) -> RepositoryReceipt:
    """Free a model's memory; its next prediction loads it again."""
    request = RepositoryModelUnloadRequest(model_name=model_name)
    for name, value in (asked.parameters or {}).items():
        request.parameters[name].string_param = str(value)
    gateway.services.inference.RepositoryModelUnload(request)
    return RepositoryReceipt()


@router.get("/models", responses=failures(401, 503))
def list_model_names(gateway: Gateway) -> ModelList:
    """List the names of all models."""
    models = gateway.services.inference.RepositoryIndex(RepositoryIndexRequest()).models
    return ModelList(models=sorted({model.name for model in models}))


@router.get("/models/stats", responses=failures(401, 503))
def get_statistics(gateway: Gateway) -> ModelStatistics:
    """Tell what each version of every model has done."""
    return _statistics(gateway)


@router.get("/models/{model_name}/stats", responses=failures(401, 404, 503))
def get_model_statistics(model_name: ModelName, gateway: Gateway) -> ModelStatistics:
    """Tell what each version of a model has done."""
    return _statistics(gateway, model_name)


@router.get("/models/{model_name}/versions/{model_version}/stats", responses=failures(401, 404, 503))
def get_model_version_statistics(
    model_name: ModelName, model_version: ModelVersion, gateway: Gateway
) -> ModelStatistics:
    """Tell what a version of a model has done."""
    return _statistics(gateway, model_name, model_version)


@router.get("/models/{model_name}/config", responses=failures(401, 404, 503))
def get_model_configuration(model_name: ModelName, gateway: Gateway) -> ModelConfiguration:
    """Tell a model's configuration, in the form of Triton's."""
    return _configuration(gateway, model_name)


@router.get("/models/{model_name}/versions/{model_version}/config", responses=failures(401, 404, 503))
def get_model_version_configuration(
    model_name: ModelName, model_version: ModelVersion, gateway: Gateway
) -> ModelConfiguration:
    """Tell the configuration of a version of a model."""
    return _configuration(gateway, model_name, model_version)


def _statistics(gateway: Gateway, name: str = "", version: str = "") -> ModelStatistics:
    told = gateway.services.inference.ModelStatistics(ModelStatisticsRequest(name=name, version=version))
    return ModelStatistics.model_validate(_as_written(told))


def _configuration(gateway: Gateway, name: str, version: str = "") -> ModelConfiguration:
    told = gateway.services.inference.ModelConfig(ModelConfigRequest(name=name, version=version))
    return ModelConfiguration.model_validate(_as_written(told.config))


def _as_written(message: Message) -> dict[str, Any]:
    """Return a message as its own JSON form, in which datatypes are called as Triton calls them."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


async def _read(request: Request, schema: type[Body]) -> Body:
    """Return the body. The protocol's clients send JSON without saying so, or nothing. Raises InvalidArgument."""
    try:
        return schema.model_validate_json((await request.body()).strip() or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise InvalidArgument(f"{where}: {first['msg']}") from None
