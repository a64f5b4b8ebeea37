"""ModelService over gRPC."""

from __future__ import annotations

import grpc

from fairlead.api.trainer.v1.model_service_pb2 import (
    GetModelRequest,
    GetModelResponse,
    GetModelVersionRequest,
    GetModelVersionResponse,
    ListModelsRequest,
    ListModelsResponse,
    ListModelVersionsRequest,
    ListModelVersionsResponse,
    SetModelAliasRequest,
    SetModelAliasResponse,
)
from fairlead.api.trainer.v1.model_service_pb2_grpc import ModelServiceServicer
from fairlead.kit.errors import FieldViolation, InvalidArgument
from fairlead.kit.resources import require_id

from .adapters.registry import ModelTable


class ModelServicer(ModelServiceServicer):
    """Gives back models and versions, and moves aliases."""

    def __init__(self, models: ModelTable) -> None:
        self._models = models

    def GetModel(self, request: GetModelRequest, context: grpc.ServicerContext) -> GetModelResponse:
        """Return one model."""
        del context
        return GetModelResponse(model=self._models.model(request.name))

    def ListModels(self, request: ListModelsRequest, context: grpc.ServicerContext) -> ListModelsResponse:
        """Return a project's models by name."""
        del context
        models, token = self._models.models(request.parent, request.page_size, request.page_token)
        return ListModelsResponse(models=models, next_page_token=token)

    def GetModelVersion(
        self, request: GetModelVersionRequest, context: grpc.ServicerContext
    ) -> GetModelVersionResponse:
        """Return a version by number, "latest" or alias."""
        del context
        return GetModelVersionResponse(model_version=self._models.version(request.name))

    def ListModelVersions(
        self, request: ListModelVersionsRequest, context: grpc.ServicerContext
    ) -> ListModelVersionsResponse:
        """Return a model's versions, newest first."""
        del context
        versions, token = self._models.versions(request.parent, request.page_size, request.page_token)
        return ListModelVersionsResponse(model_versions=versions, next_page_token=token)

    def SetModelAlias(self, request: SetModelAliasRequest, context: grpc.ServicerContext) -> SetModelAliasResponse:
        """Point an alias at a version."""
        del context
        require_id(request.alias, "alias")
        if request.alias == "latest":
            said = "alias 'latest' is taken: MLflow and Fairlead use it for the newest version; choose another"
            raise InvalidArgument(said, violations=[FieldViolation("alias", "must not be 'latest'")])
        model = self._models.set_alias(request.name, request.alias, request.version, request.etag)
        return SetModelAliasResponse(model=model)
