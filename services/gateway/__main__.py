"""Starts the gateway: REST on the base port, ProjectService by gRPC on the next."""

from __future__ import annotations

import gc
import signal
import socket
from types import FrameType

import uvicorn

from fairlead.api.gateway.v1 import project_service_pb2
from fairlead.api.gateway.v1.project_service_pb2_grpc import add_ProjectServiceServicer_to_server
from fairlead.kit.drain_time import DrainTime
from fairlead.kit.draining import DrainingServer
from fairlead.kit.errors import Unavailable
from fairlead.kit.parent import stop_with_parent
from fairlead.kit.rpc.probes import Probes, open_probes
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.service_process import service_process

from .adapters.changes import TaskChanges
from .app import create_app
from .composition import compose
from .http_server import server_config
from .prediction_door import PredictionDoor
from .servicer import ProjectServicer
from .settings import GatewaySettings


class _Server(DrainingServer):
    """Ends the task streams when asked to stop, which would hold the drain up otherwise; tells the probes how it is."""

    def __init__(self, config: uvicorn.Config, changes: TaskChanges, probes: Probes, time: DrainTime) -> None:
        super().__init__(config, self._drain)
        self._changes = changes
        self._probes = probes
        self._time = time

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started:
            self._probes.started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        self._changes.close()
        super().handle_exit(sig, frame)

    def _drain(self) -> None:
        self._time.begin()
        self._probes.draining()


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    settings = GatewaySettings()
    with service_process(settings):
        _serve(settings)


def _serve(settings: GatewaySettings) -> None:
    probes = open_probes(settings)
    listener = _listen(settings.host, settings.base_port)
    parts = compose(settings)
    rpc = RpcServer(settings, workers=4)
    rpc.add(
        add_ProjectServiceServicer_to_server,
        ProjectServicer(parts.projects),
        project_service_pb2.DESCRIPTOR.services_by_name["ProjectService"],
    )
    rpc.on_stop(parts.services.close)
    rpc.on_stop(parts.events.close)
    config = server_config(
        create_app(parts),
        PredictionDoor(parts),
        connections=settings.gateway_connections,
        drain_seconds=settings.drain_seconds,
    )
    drain = DrainTime(settings.drain_seconds)
    server = _Server(config, parts.changes, probes, drain)
    probes.watch(server.pulse)

    def leave(*_: object) -> None:
        server.should_exit = True

    # For the moments before the server's own handlers; it raises the signal again once it has drained.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    if settings.exit_with_parent:
        stop_with_parent()
    rpc.start()
    # What is there by now stays: a full collection would stop every call for as long as it takes to look at it.
    gc.collect()
    gc.freeze()
    try:
        server.run(sockets=[listener])
    finally:
        rpc.stop(drain.left)
        probes.close()


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise Unavailable(
            f"port {port} on {host} can't be used ({error.strerror}); stop what listens there or set FAIRLEAD_BASE_PORT"
        ) from error
    return listener


if __name__ == "__main__":
    main()
