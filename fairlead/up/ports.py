"""The ports of one Fairlead, all relative to a base port."""

from __future__ import annotations

import socket

SERVICES = ("gateway", "profiler", "trainer", "serving", "drift", "conductor")
BENTOML, INFERENCE_REST, INFERENCE_GRPC = 80, 81, 82
METRICS = 100


def plan(base: int) -> dict[int, str]:
    """Return every port that Fairlead listens on and what for."""
    ports = {base: "gateway"}
    for offset, service in enumerate(SERVICES, start=1):
        ports[base + offset] = f"{service} (gRPC)"
        ports[base + offset + METRICS] = f"{service} (metrics)"
    ports[base + BENTOML] = "serving (BentoML)"
    ports[base + INFERENCE_REST] = "serving (Open Inference REST)"
    ports[base + INFERENCE_GRPC] = "serving (Open Inference gRPC)"
    return ports


def taken(base: int, host: str = "127.0.0.1") -> dict[int, str]:
    """Return those ports of the plan that something listens on already."""
    return {port: use for port, use in plan(base).items() if not _is_free(host, port)}


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection that was closed a moment ago does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
