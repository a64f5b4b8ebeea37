"""The model registry."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.responses import StreamingResponse

from fairlead.api.trainer.v1.model_pb2 import Model as ModelMessage
from fairlead.api.trainer.v1.model_service_pb2 import (
    GetModelRequest,
    GetModelVersionRequest,
    ListModelsRequest,
    ListModelVersionsRequest,
    SetModelAliasRequest,
)
from fairlead.kit.errors import FailedPrecondition

from ..adapters.folder_zip import zip_folder
from ..documentation import binary, failures
from ..schemas.model import AliasChoice, Model, ModelPage, ModelVersion, ModelVersionPage
from .datasets import Version
from .parameters import Gateway, IfMatch, Paging, Project, etag_of, quoted

router = APIRouter(prefix="/api/v1/projects/{project_id}/models", tags=["models"])

ModelId = Annotated[str, Path(description="The model's id.", examples=["adult"])]
Alias = Annotated[str, Path(description="The alias.", examples=["champion"])]
# The first that a trainer sets after its start imports MLflow: up to a minute on a busy machine.
ALIAS_SECONDS = 120.0
ZIP: dict[int | str, dict[str, Any]] = {200: binary("The files of the package, as a zip.", "application/zip")}


@router.get("", responses=failures(400, 401, 404, 503))
def list_models(project: Project, gateway: Gateway, paging: Paging) -> ModelPage:
    """List a project's models by name."""
    request = ListModelsRequest(parent=project, page_size=paging.size, page_token=paging.token)
    answer = gateway.services.models.ListModels(request)
    return ModelPage(items=[Model.of(each) for each in answer.models], next_page_token=answer.next_page_token)


@router.get("/{model_id}", responses=failures(401, 404, 503))
def get_model(model_id: ModelId, response: Response, project: Project, gateway: Gateway) -> Model:
    """Return one model with its aliases."""
    request = GetModelRequest(name=f"{project}/models/{model_id}")
    return _tagged(gateway.services.models.GetModel(request).model, response)


@router.get("/{model_id}/versions", responses=failures(400, 401, 404, 503))
def list_model_versions(model_id: ModelId, project: Project, gateway: Gateway, paging: Paging) -> ModelVersionPage:
    """List a model's versions, newest first."""
    parent = f"{project}/models/{model_id}"
    request = ListModelVersionsRequest(parent=parent, page_size=paging.size, page_token=paging.token)
    answer = gateway.services.models.ListModelVersions(request)
    items = [ModelVersion.of(each) for each in answer.model_versions]
    return ModelVersionPage(items=items, next_page_token=answer.next_page_token)


@router.get("/{model_id}/versions/{version}", responses=failures(401, 404, 503))
def get_model_version(model_id: ModelId, version: Version, project: Project, gateway: Gateway) -> ModelVersion:
    """Return one version with its manifest: inputs, classes, metrics."""
    return _version(gateway, f"{project}/models/{model_id}/versions/{version}")


@router.get("/{model_id}/aliases/{alias}", responses=failures(401, 404, 503))
def get_model_alias(model_id: ModelId, alias: Alias, project: Project, gateway: Gateway) -> ModelVersion:
    """Return the version that an alias points at."""
    return _version(gateway, f"{project}/models/{model_id}/aliases/{alias}")


@router.get(
    "/{model_id}/versions/{version}/package",
    response_class=StreamingResponse,
    responses={**ZIP, **failures(400, 401, 404, 503)},
)
def download_model_package(
    model_id: ModelId, version: Version, project: Project, gateway: Gateway
) -> StreamingResponse:
    """Download a version's package as a zip: an MLflow model folder with model.onnx, manifest.json and model_card.md.

    The zip is made while it is sent.
    """
    name = f"{project}/models/{model_id}/versions/{version}"
    found = gateway.services.models.GetModelVersion(GetModelVersionRequest(name=name)).model_version
    if not found.package_blob:
        raise FailedPrecondition(f"{found.name} has no package; train the model again", resource=found.name)
    chunks = zip_folder(gateway.blobs.fetch_folder(found.package_blob))
    file = f"{model_id}-{found.name.rpartition('/')[2]}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    return StreamingResponse(chunks, media_type="application/zip", headers=headers)


@router.put("/{model_id}/aliases/{alias}", responses=failures(400, 401, 404, 409, 503))
def set_model_alias(
    model_id: ModelId,
    alias: Alias,
    body: AliasChoice,
    response: Response,
    project: Project,
    gateway: Gateway,
    if_match: IfMatch = "",
) -> Model:
    """Point an alias, such as champion, at a version; If-Match (the model's etag) guards against others' changes."""
    request = SetModelAliasRequest(
        name=f"{project}/models/{model_id}", alias=alias, version=body.version, etag=etag_of(if_match)
    )
    return _tagged(gateway.services.models.SetModelAlias(request, timeout=ALIAS_SECONDS).model, response)


def _tagged(model: ModelMessage, response: Response) -> Model:
    response.headers["ETag"] = quoted(model.etag)
    return Model.of(model)


def _version(gateway: Gateway, name: str) -> ModelVersion:
    return ModelVersion.of(gateway.services.models.GetModelVersion(GetModelVersionRequest(name=name)).model_version)
