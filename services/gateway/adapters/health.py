"""Asking a service for its health."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from fairlead.kit.rpc.certificates import Certificates
from fairlead.kit.rpc.channel import NO_PROXY

METHOD = "/grpc.health.v1.Health/Check"
CHECK_SECONDS = 2.0
# The gateway asks itself where it listens, which is everywhere.
ANY_HOST, LOCALHOST = "0.0.0.0:", "localhost"


@dataclass(frozen=True)
class HealthCheck:
    """What a health check found."""

    state: Literal["serving", "not_serving", "unreachable"]
    latency_ms: float | None
    detail: str


def check(address: str, certificates: Certificates | None = None) -> HealthCheck:
    """Return how the gRPC server at host:port is, on a connection of its own so that no old loss is told."""
    started = time.perf_counter()
    with _channel(address, certificates) as channel:
        try:
            check_health = channel.unary_unary(
                METHOD,
                request_serializer=HealthCheckRequest.SerializeToString,
                response_deserializer=HealthCheckResponse.FromString,
            )
            answer = check_health(HealthCheckRequest(), timeout=CHECK_SECONDS)
        except grpc.RpcError:
            return HealthCheck("unreachable", None, f"nothing answers at {address}")
    milliseconds = round((time.perf_counter() - started) * 1000, 2)
    if answer.status == HealthCheckResponse.SERVING:
        return HealthCheck("serving", milliseconds, "")
    return HealthCheck("not_serving", milliseconds, "it is starting or stopping")


def _channel(address: str, certificates: Certificates | None) -> grpc.Channel:
    if certificates is None:
        return grpc.insecure_channel(address, [NO_PROXY])
    named = [("grpc.ssl_target_name_override", LOCALHOST)] if address.startswith(ANY_HOST) else []
    return grpc.secure_channel(address, certificates.identity.channel_credentials, [NO_PROXY, *named])
