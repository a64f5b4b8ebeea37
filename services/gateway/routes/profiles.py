"""Profiles of dataset versions and what they suggest."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response

from fairlead.api.profiler.v1.profile_pb2 import Profile as ProfileMessage
from fairlead.api.profiler.v1.profile_service_pb2 import CreateProfileRequest, GetProfileRequest

from ..documentation import failures
from ..schemas.profile import NewProfile, Profile, Suggestions
from ..schemas.task import Task
from .answers import accepted, target_message
from .datasets import DatasetId, Version
from .parameters import Gateway, IdempotencyKey, Project

PATH = "/api/v1/projects/{project_id}/datasets/{dataset_id}/versions/{version}"
router = APIRouter(tags=["datasets"])


@router.post(f"{PATH}:profile", status_code=202, responses=failures(400, 401, 404, 503))
def create_profile(
    dataset_id: DatasetId,
    version: Version,
    response: Response,
    project: Project,
    gateway: Gateway,
    body: Annotated[NewProfile | None, Body()] = None,
    idempotency_key: IdempotencyKey = "",
) -> Task:
    """Profile a dataset version and compute suggestions for a target, or for the guessed one.

    The task's result is the profile.
    """
    request = CreateProfileRequest(
        parent=f"{project}/datasets/{dataset_id}/versions/{version}",
        target=target_message(body.target) if body else None,
        request_id=idempotency_key,
    )
    return accepted(gateway.services.profiles.CreateProfile(request).task, response)


@router.get(f"{PATH}/profile", responses=failures(401, 404, 503))
def get_profile(dataset_id: DatasetId, version: Version, project: Project, gateway: Gateway) -> Profile:
    """Return the newest profile of a dataset version."""
    return Profile.of(_newest(gateway, project, dataset_id, version))


@router.get(f"{PATH}/suggestions", responses=failures(401, 404, 503))
def get_suggestions(dataset_id: DatasetId, version: Version, project: Project, gateway: Gateway) -> Suggestions:
    """Return what the newest profile suggests: preparation steps and model families."""
    return Suggestions.of(_newest(gateway, project, dataset_id, version))


def _newest(gateway: Gateway, project: str, dataset_id: str, version: str) -> ProfileMessage:
    name = f"{project}/datasets/{dataset_id}/versions/{version}/profile"
    return gateway.services.profiles.GetProfile(GetProfileRequest(name=name)).profile
