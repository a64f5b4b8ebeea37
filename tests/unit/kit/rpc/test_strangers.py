"""Callers without a token, who may watch a server's health: so many of them, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from fairlead.api.gateway.v1 import project_service_pb2 as api
from fairlead.api.gateway.v1.project_service_pb2_grpc import add_ProjectServiceServicer_to_server
from fairlead.kit.rpc.interceptors import MOST_STRANGERS
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings
from tests import waiting
from tests.unit.kit.rpc.test_server import Projects

TOKEN = "token-of-the-test"
KNOWN = (("authorization", f"Bearer {TOKEN}"),)
WRONG = (("authorization", "Bearer another"),)


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[grpc.Channel]:
    server = RpcServer(KitSettings(home=tmp_path, service_token=TOKEN), address="127.0.0.1:0", workers=2)
    descriptor = api.DESCRIPTOR.services_by_name["ProjectService"]
    server.add(add_ProjectServiceServicer_to_server, Projects(), descriptor)
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel
    server.stop(0)


def stub(channel: grpc.Channel) -> Any:
    """Untyped: the types of grpc_health know no methods."""
    return HealthStub(channel)


def test_strangers_who_watch_are_so_many_at_most(channel: grpc.Channel) -> None:
    health = stub(channel)
    request = health_pb2.HealthCheckRequest()
    watching = [health.Watch(request, metadata=WRONG if number % 2 else ()) for number in range(MOST_STRANGERS)]
    for each in watching:
        assert next(each).status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as refused:
        next(health.Watch(request))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    # Neither whoever is known nor whoever asks once is kept from it.
    known = health.Watch(request, metadata=KNOWN)
    assert next(known).status == health_pb2.HealthCheckResponse.SERVING
    assert health.Check(request).status == health_pb2.HealthCheckResponse.SERVING
    # A place is free again once its caller has left.
    watching[0].cancel()

    def has_a_place() -> bool:
        try:
            return bool(next(health.Watch(request)).status == health_pb2.HealthCheckResponse.SERVING)
        except grpc.RpcError:
            return False

    waiting.until(has_a_place, "a place")
    for each in (known, *watching):
        each.cancel()


def test_whoever_has_no_token_is_refused_before_a_message_is_read(channel: grpc.Channel) -> None:
    def never() -> Iterator[bytes]:
        told.wait(30)
        yield b""

    told = Event()
    # More than there are workers: none of them waits for a message.
    call: Any = channel.stream_unary("/fairlead.api.gateway.v1.ProjectService/GetProject")
    calls = [call.future(never(), metadata=WRONG if number % 2 else (), timeout=10) for number in range(6)]
    try:
        assert {each.code() for each in calls} == {grpc.StatusCode.UNAUTHENTICATED}
    finally:
        told.set()
