"""A method that is called thousands of times a second begins no span of its own, and is part of its caller's trace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from opentelemetry import trace

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.api.serving.v1.relay_service_pb2_grpc import (
    RelayServiceServicer,
    RelayServiceStub,
    add_RelayServiceServicer_to_server,
)
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings
from fairlead.kit.tracing import configure_tracing

TOKEN = "token-of-the-test"
TRACE = "0af7651916cd43dd8448eb211c80319c"
RELAY_ONE = "/fairlead.api.serving.v1.RelayService/RelayOne"


class Traced(RelayServiceServicer):
    """Answers with the trace that the call is in, nothing where there is none."""

    def RelayOne(self, request: pb.RelayOneRequest, _: grpc.ServicerContext) -> pb.RelayOneResponse:
        span = trace.get_current_span().get_span_context()
        body = f"{span.trace_id:032x}".encode() if span.is_valid else b""
        return pb.RelayOneResponse(answer=pb.RelayedAnswer(body=body))

    def Relay(self, requests: Iterator[pb.RelayRequest], _: grpc.ServicerContext) -> Iterator[pb.RelayResponse]:
        return (pb.RelayResponse() for _ in requests)


@pytest.fixture(params=[(), (RELAY_ONE,)], ids=["any method", "a frequent method"])
def traced(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[RelayServiceStub, bool]]:
    """A stub of a server, and whether the server knows that its method is a frequent one."""
    configure_tracing("test")
    settings = KitSettings(home=tmp_path, service_token=TOKEN)
    server = RpcServer(settings, address="127.0.0.1:0", frequent_methods=request.param)
    descriptor = pb.DESCRIPTOR.services_by_name["RelayService"]
    server.add(add_RelayServiceServicer_to_server, Traced(), descriptor)
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield RelayServiceStub(channel), bool(request.param)
    server.stop(0)


def trace_of(stub: RelayServiceStub, *metadata: tuple[str, str]) -> bytes:
    """Return the trace that a call with the metadata is in at the server."""
    told = stub.RelayOne(pb.RelayOneRequest(), metadata=(("authorization", f"Bearer {TOKEN}"), *metadata))
    return told.answer.body


def test_a_frequent_method_begins_no_trace(traced: tuple[RelayServiceStub, bool]) -> None:
    stub, frequent = traced

    assert (trace_of(stub) == b"") is frequent


def test_whoever_has_a_trace_finds_every_method_in_it(traced: tuple[RelayServiceStub, bool]) -> None:
    stub, _ = traced

    assert trace_of(stub, ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01")) == TRACE.encode()
