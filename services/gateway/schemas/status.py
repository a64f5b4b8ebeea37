"""Who calls, and how Fairlead is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Schema


class Me(Schema):
    """The caller."""

    name: str = Field(description="Who calls.", examples=["admin"])
    kind: Literal["user", "service"] = Field(description="A person or a service.", examples=["user"])


class Health(Schema):
    """Whether a process answers."""

    status: Literal["ok"] = Field(description="Always ok; a process that is not does not answer.", examples=["ok"])


class Readiness(Schema):
    """Whether the gateway can do its work."""

    status: Literal["ready", "starting"] = Field(description="ready once its stores answer.", examples=["ready"])


class ServiceStatus(Schema):
    """How one service is."""

    service: str = Field(description="Its name.", examples=["trainer"])
    state: Literal["serving", "not_serving", "unreachable"] = Field(
        description="What its health check says.", examples=["serving"]
    )
    address: str = Field(description="host:port of its gRPC server.", examples=["127.0.0.1:7403"])
    latency_ms: float | None = Field(description="How long the check took.", examples=[0.8])
    detail: str = Field("", description="Why it can't be reached.", examples=[""])


class Status(Schema):
    """How Fairlead is."""

    version: str = Field(description="Fairlead's version.", examples=["0.1.0"])
    ready: bool = Field(description="True when every service serves.", examples=[True])
    base_port: int = Field(description="The gateway's HTTP port; the others follow from it.", examples=[7400])
    services: list[ServiceStatus] = Field(description="One entry a service.")
