"""Serving's relay, but that it answers each call with its body in capitals; and a gateway's relay to it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.api.serving.v1.relay_service_pb2_grpc import (
    RelayServiceServicer,
    add_RelayServiceServicer_to_server,
)
from fairlead.kit.errors import NotFound
from fairlead.kit.rpc.status import to_details
from services.gateway.adapters.serving.relay import Relay

DEPLOYMENT = "projects/p/deployments/d"


class Echo(RelayServiceServicer):
    """Answers each call with its body in capitals; keeps the sizes of the messages that came.

    Of calls by themselves it keeps how many seconds their callers have, and of all their request ids.
    """

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.streams = 0
        self.singles = 0
        self.seconds: list[float] = []
        self.ids: list[str] = []
        self.pause = threading.Event()
        self.pause.set()

    def Relay(self, requests: Iterator[pb.RelayRequest], _: grpc.ServicerContext) -> Iterator[pb.RelayResponse]:
        self.streams += 1
        for request in requests:
            self.ids += [call.request_id for call in request.calls]
            self.pause.wait()
            self.sizes.append(len(request.calls))
            yield pb.RelayResponse(answers=[_answer(call) for call in reversed(request.calls)])

    def RelayOne(self, request: pb.RelayOneRequest, context: grpc.ServicerContext) -> pb.RelayOneResponse:
        self.singles += 1
        self.ids.append(request.call.request_id)
        self.seconds.append(context.time_remaining())
        self.pause.wait()
        return pb.RelayOneResponse(answer=pb.RelayedAnswer(number=request.call.number, body=request.call.body.upper()))


def _answer(call: pb.RelayedCall) -> pb.RelayedAnswer:
    if call.body == b"slow":
        return pb.RelayedAnswer(number=call.number, slow=True)
    if call.body == b"absent":
        return pb.RelayedAnswer(number=call.number, error=to_details(NotFound("nothing here", resource="x")))
    if call.body == b"silent":
        return pb.RelayedAnswer(number=0)
    return pb.RelayedAnswer(number=call.number, body=call.body.upper())


@contextmanager
def echo(port: int = 0) -> Iterator[tuple[Echo, int, grpc.Server]]:
    servicer = Echo()
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    add_RelayServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield servicer, port, server
    finally:
        servicer.pause.set()
        server.stop(0).wait()


def relay_to(*ports: int, timeout: float = 10.0, silent_seconds: float = 10.0) -> Relay:
    return relay_to_those(ports, timeout=timeout, silent_seconds=silent_seconds)


def relay_to_those(
    ports: Iterable[int], *, timeout: float = 10.0, silent_seconds: float = 10.0, patience: float = 0.0
) -> Relay:
    """A relay to ports that may change while it goes on."""

    async def endpoints() -> list[str]:
        return [f"127.0.0.1:{port}" for port in ports]

    return Relay(endpoints, lambda: "Bearer token", timeout, silent_seconds=silent_seconds, patience=patience)


def call_of(body: bytes, deployment: str = DEPLOYMENT) -> pb.RelayedCall:
    return pb.RelayedCall(deployment=deployment, body=body, form=pb.RELAY_FORM_ROWS)
