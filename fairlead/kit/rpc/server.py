"""One way to serve: every Fairlead service is a servicer given to an RpcServer."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from threading import Event
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from fairlead.kit.auth import metrics_verifier, verifier
from fairlead.kit.errors import Unavailable
from fairlead.kit.logging import get_logger
from fairlead.kit.metrics_server import MetricsServer, start_metrics_server
from fairlead.kit.parent import stop_with_parent
from fairlead.kit.process_metrics import tell_of_process
from fairlead.kit.rpc.certificates import certificates
from fairlead.kit.rpc.interceptors import ServerInterceptor
from fairlead.kit.rpc.pools import CallPools
from fairlead.kit.rpc.probes import Probes
from fairlead.kit.settings import KitSettings

LEAST_PING_SECONDS = 2.0
CALLS_OF_A_CONNECTION = 128
TELLING_SECONDS = 0.05
"""What a caller is told has reached it by then."""

_log = get_logger("fairlead.rpc")


class RpcServer:
    """A gRPC server with health, reflection, identity, deadlines, traces, metrics, error mapping and drain."""

    def __init__(
        self,
        settings: KitSettings,
        *,
        address: str = "",
        workers: int = 16,
        max_message_mb: int = 64,
        open_methods: tuple[str, ...] = (),
        frequent_methods: tuple[str, ...] = (),
        queue_seconds: float | None = None,
        probes: Probes | None = None,
        private: bool = False,
    ) -> None:
        """Prepare a server at the address, the service's own when empty; nothing listens before start().

        open_methods: full names of methods, such as /package.Service/Method, that need no token, as health checks.
        frequent_methods: full names of methods that are traced only where their caller has a trace.
        queue_seconds: calls are refused while the one in turn has waited so long for a worker; None: however long.
        probes: told when the server listens, and when it stops.
        private: the server is reached from its own process alone, whose connections last, and need no certificate.
        Raises FailedPrecondition where the settings' certificates can't be used.
        """
        self._settings = settings
        self._address = address or settings.address
        self._own = not address
        self._probes = probes
        self._certificates = None if private else certificates(settings)
        limit = max_message_mb * 1024 * 1024
        self._pools = CallPools(workers, queue_seconds)
        self._server = grpc.server(
            # It asks a pool for nothing but submit().
            self._pools.calls,  # type: ignore[arg-type]
            interceptors=[ServerInterceptor(verifier(settings), open_methods, frequent_methods, self._pools)],
            options=[
                ("grpc.max_receive_message_length", limit),
                ("grpc.max_send_message_length", limit),
                ("grpc.so_reuseport", 0),
                # Further calls of one connection wait at their caller, who knows when to give up.
                ("grpc.max_concurrent_streams", CALLS_OF_A_CONNECTION),
                # Otherwise calls that have ended count until their memory is freed, and a caller who keeps to the
                # bound has some of its calls refused as UNAVAILABLE.
                ("grpc.http.overload_protection", 0),
                # How often a caller that waits may ask for a sign of life; see CONNECTING.
                ("grpc.http2.min_ping_interval_without_data_ms", int(LEAST_PING_SECONDS * 1000)),
                *_connection_age(0.0 if private else settings.connection_age_seconds),
            ],
        )
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._names = [health.SERVICE_NAME, reflection.SERVICE_NAME]
        self._on_stop: list[Callable[[], None]] = []
        self._metrics: MetricsServer | None = None
        self._asked_to_stop = Event()
        self.port = 0

    @property
    def queued(self) -> int:
        """Return how many calls wait for a worker."""
        return self._pools.calls.queued

    def add(self, register: Callable[[Any, Any], None], servicer: object, descriptor: ServiceDescriptor) -> None:
        """Serve a servicer; register is the generated add_XServicer_to_server."""
        register(servicer, self._server)
        self._names.append(descriptor.full_name)

    def on_stop(self, action: Callable[[], None]) -> None:
        """Run an action once the last call has been answered; actions run in the order given."""
        self._on_stop.append(action)

    def start(self) -> None:
        """Listen. Raises Unavailable where the port is taken."""
        reflection.enable_server_reflection(self._names, self._server)
        try:
            self.port = self._listen()
            if self._own:
                tell_of_process(self._settings)
                self._metrics = start_metrics_server(self._settings.metrics_address, metrics_verifier(self._settings))
        except (RuntimeError, OSError) as error:
            raise Unavailable(f"{self._address} (or its metrics port) is in use; stop what listens there") from error
        self._server.start()
        for name in ["", *self._names]:
            self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        if self._probes is not None:
            self._probes.started()
        _log.info("serving", address=self._address, services=self._names[2:])

    def _listen(self) -> int:
        if self._certificates is None:
            return self._server.add_insecure_port(self._address)
        return self._server.add_secure_port(self._address, self._certificates.server_credentials())

    def wait(self) -> None:
        """Block until SIGTERM or SIGINT, then drain. Must be called on the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._asked_to_stop.set())
        if self._settings.exit_with_parent:
            stop_with_parent()
        self._asked_to_stop.wait()
        self.stop()

    def stop(self, grace: float | None = None) -> None:
        """Report NOT_SERVING, refuse new calls, let those under way finish within grace seconds, then clean up.

        None is the settings' time.
        """
        if grace is None:
            grace = self._settings.drain_seconds
        if self._probes is not None:
            self._probes.draining()
        self._health.enter_graceful_shutdown()
        # A call that reaches a server after its stop() is cancelled, also where the caller could not know of it yet.
        # So the answers are kept back first: who waits for them all sends nothing more, and learns of the end before.
        if grace:
            self._pools.hold()
        ended = self._server.stop(grace)
        if grace:
            time.sleep(TELLING_SECONDS)
        self._pools.release()
        ended.wait()
        self._pools.close()
        actions, self._on_stop = self._on_stop, []
        with ExitStack() as cleaning:
            # Last in, first out; one that raises does not keep the others from running.
            if self._probes is not None:
                cleaning.callback(self._probes.close)
            for action in reversed(actions):
                cleaning.callback(action)
            if self._metrics is not None:
                cleaning.callback(self._metrics.close)
                self._metrics = None
        _log.info("stopped", address=self._address)


def _connection_age(seconds: float) -> list[tuple[str, int]]:
    """Return the options of a server whose connections take no new calls after so long; 0 for never.

    Calls under way have no end set by that: a stream may be longer than a connection should be.
    """
    return [("grpc.max_connection_age_ms", int(seconds * 1000))] if seconds else []
