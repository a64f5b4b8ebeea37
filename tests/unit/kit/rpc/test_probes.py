"""What a kubelet is told, seen through a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from fairlead.kit.errors import Unavailable
from fairlead.kit.pulse import Pulse
from fairlead.kit.rpc.probes import LIVE, READY, STARTED, Probes, open_probes
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings
from services.gateway.settings import GatewaySettings
from tests.ports import free_port

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


@pytest.fixture
def probes() -> Iterator[Probes]:
    probes = Probes("127.0.0.1:0")
    yield probes
    probes.close()


def asked(probes: Probes, *names: str) -> list[HealthCheckResponse.ServingStatus]:
    with grpc.insecure_channel(f"127.0.0.1:{probes.port}") as channel:
        stub = HealthStub(channel)
        return [stub.Check(HealthCheckRequest(service=name), timeout=5).status for name in names]


def test_a_process_that_starts_lives_and_is_neither_started_nor_ready(probes: Probes) -> None:
    assert asked(probes, LIVE, STARTED, READY) == [SERVING, NOT_SERVING, NOT_SERVING]


def test_a_started_process_is_ready_and_one_that_drains_is_not_but_lives(probes: Probes) -> None:
    probes.started()
    assert asked(probes, LIVE, STARTED, READY) == [SERVING, SERVING, SERVING]
    probes.draining()
    assert asked(probes, LIVE, STARTED, READY) == [SERVING, SERVING, NOT_SERVING]


def test_a_process_whose_event_loop_stands_still_does_not_live_and_one_that_has_ended_is_not_waited_for(
    probes: Probes,
) -> None:
    now = 0.0
    stuck, ended = Pulse(60, lambda: now), Pulse(60, lambda: now)
    probes.watch(stuck, ended)
    now = 100.0
    assert asked(probes, LIVE) == [SERVING]
    stuck.beat()
    ended.beat()
    now = 160.0
    assert asked(probes, LIVE) == [SERVING]
    ended.end()
    now = 161.0
    assert asked(probes, LIVE) == [NOT_SERVING]
    stuck.beat()
    assert asked(probes, LIVE) == [SERVING]


def test_a_server_tells_its_probes_when_it_listens_and_when_it_stops(probes: Probes) -> None:
    server = RpcServer(KitSettings(), address="127.0.0.1:0", probes=probes)
    assert asked(probes, STARTED, READY) == [NOT_SERVING, NOT_SERVING]
    server.start()
    assert asked(probes, STARTED, READY) == [SERVING, SERVING]
    seen: list[list[HealthCheckResponse.ServingStatus]] = []
    server.on_stop(lambda: seen.append(asked(probes, LIVE, READY)))
    server.stop(0)
    assert seen == [[SERVING, NOT_SERVING]]


def test_nothing_else_is_answered(probes: Probes) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{probes.port}") as channel:
        stub = HealthStub(channel)
        with pytest.raises(grpc.RpcError) as unknown:
            stub.Check(HealthCheckRequest(service="fairlead.reday"), timeout=5)
        with pytest.raises(grpc.RpcError) as watching:
            next(stub.Watch(HealthCheckRequest(), timeout=5))
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
    assert watching.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_they_are_200_ports_above_the_service_where_they_are_wanted() -> None:
    port = free_port(201)
    settings = GatewaySettings(base_port=port, probes=True)
    probes = open_probes(settings)
    with pytest.raises(Unavailable, match="for probes, is in use"):
        open_probes(settings)
    probes.close()

    assert probes.port == port + 201
    assert open_probes(settings.model_copy(update={"probes": False})).port == 0
