"""Deployments: model versions that answer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Page, Request, Response
from .model import MODEL_VERSION


class Deployment(Response):
    """One model version served under a stable name."""

    name: str = Field(
        description="projects/{project}/deployments/{deployment}", examples=["projects/default/deployments/income"]
    )
    model_version: str = Field(description="What it serves.", examples=[MODEL_VERSION])
    state: Literal["unspecified", "loading", "ready", "failed"] = Field(
        description="Whether it answers.", examples=["ready"]
    )
    error: str = Field(description="Why it failed, when it did.", examples=[""])
    inference_name: str = Field(
        description="The model's name in the Open Inference Protocol.", examples=["default.income"]
    )
    create_time: str | None = Field(description="When it was made.", examples=["2026-01-31T17:01:03.000Z"])
    update_time: str | None = Field(description="When it was changed.", examples=["2026-01-31T17:01:03.000Z"])
    etag: str = Field(description="Send it as If-Match to change only what you saw.", examples=["1"])
    reference_blob: str = Field(description="Blob key of the drift reference.", examples=["models/default/5f2c"])


class DeploymentPage(Page[Deployment]):
    """One page of deployments."""


class NewDeployment(Request):
    """A deployment to make."""

    deployment_id: str = Field(description="Lowercase letters, digits and hyphens, at most 63.", examples=["income"])
    model_version: str = Field(
        description="A version, or an alias that is resolved once.", examples=["models/adult/aliases/champion"]
    )


class DeploymentChange(Request):
    """The version to serve from now on."""

    model_version: str = Field(description="A version, or an alias.", examples=["models/adult/versions/2"])
