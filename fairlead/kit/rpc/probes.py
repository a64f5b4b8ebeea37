"""What a kubelet asks: whether the process lives, has started, and takes work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1.health import SERVICE_NAME
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from fairlead.kit.errors import Unavailable
from fairlead.kit.pulse import Pulse
from fairlead.kit.settings import KitSettings

LIVE = ""
STARTED = "fairlead.started"
READY = "fairlead.ready"


class Probes:
    """A gRPC server with health checks alone, in plaintext and without a token; or none, where it is not wanted.

    LIVE is served from the beginning to the end, unless an event loop stands still; STARTED once the start is over;
    READY from then until the drain.
    What is asked is answered once: whoever may ask without a token must not hold anything here, such as a watch.
    """

    def __init__(self, address: str) -> None:
        """Answer at host:port from now on; nowhere for an empty one. Raises Unavailable where the port is taken."""
        self._pulses: list[Pulse] = []
        self._serves = {LIVE: True, STARTED: False, READY: False}
        self._server: grpc.Server | None = None
        self.port = 0
        if address:
            self._listen(address)

    def started(self) -> None:
        """Tell that the start is over, and that there may be work."""
        self._serves[STARTED] = self._serves[READY] = True

    def draining(self) -> None:
        """Tell that no more work should come."""
        self._serves[READY] = False

    def watch(self, *pulses: Pulse) -> None:
        """Serve LIVE only while each of these lives."""
        self._pulses += pulses

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.stop(0).wait()
            self._server = None

    def _listen(self, address: str) -> None:
        server = grpc.server(ThreadPoolExecutor(2, thread_name_prefix="probes"), options=[("grpc.so_reuseport", 0)])
        check = grpc.unary_unary_rpc_method_handler(
            self._check, HealthCheckRequest.FromString, HealthCheckResponse.SerializeToString
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, {"Check": check}),))
        try:
            self.port = server.add_insecure_port(address)
        except RuntimeError as error:
            raise Unavailable(f"{address}, which is for probes, is in use; stop what listens there") from error
        server.start()
        self._server = server

    def _check(self, request: HealthCheckRequest, context: grpc.ServicerContext) -> HealthCheckResponse:
        serves = self._serves.get(request.service)
        if serves is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"'{request.service}' is none of {', '.join(self._serves)}")
        if request.service == LIVE:
            serves = all(pulse.lives for pulse in self._pulses)
        return HealthCheckResponse(status=HealthCheckResponse.SERVING if serves else HealthCheckResponse.NOT_SERVING)


def open_probes(settings: KitSettings) -> Probes:
    """Return the probes of a service; the earlier, the sooner it is known to live. Raises Unavailable."""
    return Probes(settings.probe_address if settings.probes else "")
