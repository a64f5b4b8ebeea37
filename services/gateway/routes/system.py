"""Who calls, health, status and metrics."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from fairlead.kit.settings import SERVICES

from ..documentation import failures
from ..schemas.status import Health, Me, Readiness, ServiceStatus, Status
from .parameters import Gateway

router = APIRouter(tags=["system"])

METRICS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Prometheus text format.",
        "content": {"text/plain": {"schema": {"type": "string"}, "example": "fairlead_gateway_calls_total 42.0\n"}},
    }
}


@router.get("/healthz", responses=failures())
async def get_health() -> Health:
    """Tell that the process answers; open to all."""
    return Health(status="ok")


@router.get("/readyz", responses=failures(503))
def get_readiness(gateway: Gateway) -> Readiness:
    """Tell whether the gateway's own stores answer; open to all. What each service does is at /api/v1/status."""
    gateway.projects.list(1, "")
    return Readiness(status="ready")


@router.get("/api/v1/me", responses=failures(401))
async def get_me(request: Request) -> Me:
    """Tell who the token belongs to."""
    principal = request.state.principal
    return Me(name=principal.name, kind=principal.kind)


@router.get("/api/v1/status", responses=failures(401))
def get_status(gateway: Gateway) -> Status:
    """Tell how each service is."""

    def status_of(service: str) -> ServiceStatus:
        found = gateway.services.health(service)
        return ServiceStatus(service=service, address=gateway.services.address(service), **vars(found))

    with ThreadPoolExecutor(len(SERVICES)) as pool:
        services = list(pool.map(status_of, SERVICES))
    return Status(
        version=version("fairlead"),
        ready=all(service.state == "serving" for service in services),
        base_port=gateway.settings.base_port,
        services=services,
    )


@router.get("/metrics", response_class=Response, responses={**METRICS, **failures(401)})
def get_metrics() -> Response:
    """Return the gateway's Prometheus metrics."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
