"""Calls go along on one stream, each gets its own answer, and a process that is lost costs nobody an answer."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from prometheus_client import REGISTRY, CollectorRegistry

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.api.serving.v1.relay_service_pb2_grpc import (
    RelayServiceServicer,
    add_RelayServiceServicer_to_server,
)
from fairlead.kit.errors import DeadlineExceeded, FailedPrecondition, NotFound, Unavailable
from fairlead.kit.rpc import deadline
from fairlead.kit.rpc.status import to_details
from services.gateway.adapters.serving.endpoints import endpoints_of
from services.gateway.adapters.serving.metrics import CallsUnderWay
from services.gateway.adapters.serving.relay import Relay
from services.gateway.domain.placement import Placement

DEPLOYMENT = "projects/p/deployments/d"


class Echo(RelayServiceServicer):
    """Answers each call with its body in capitals; keeps the sizes of the messages that came."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.singles = 0
        self.pause = threading.Event()
        self.pause.set()

    def Relay(self, requests: Iterator[pb.RelayRequest], _: grpc.ServicerContext) -> Iterator[pb.RelayResponse]:
        for request in requests:
            self.pause.wait()
            self.sizes.append(len(request.calls))
            yield pb.RelayResponse(answers=[_answer(call) for call in reversed(request.calls)])

    def RelayOne(self, request: pb.RelayOneRequest, _: grpc.ServicerContext) -> pb.RelayOneResponse:
        self.singles += 1
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
    async def endpoints() -> list[str]:
        return [f"127.0.0.1:{port}" for port in ports]

    return Relay(endpoints, "token", timeout, silent_seconds=silent_seconds)


def call_of(body: bytes, deployment: str = DEPLOYMENT) -> pb.RelayedCall:
    return pb.RelayedCall(deployment=deployment, body=body, form=pb.RELAY_FORM_ROWS)


def test_every_caller_has_the_answer_to_its_own_call() -> None:
    async def run(relay: Relay) -> list[bytes]:
        await relay.open()
        answers = await asyncio.gather(*(relay.ask(call_of(f"row {number}".encode())) for number in range(500)))
        await relay.close()
        return [answer.body for answer in answers]

    with echo() as (_, port, _server):
        assert asyncio.run(run(relay_to(port))) == [f"ROW {number}".encode() for number in range(500)]


def test_calls_that_wait_at_the_same_time_go_in_one_message() -> None:
    async def run(relay: Relay, servicer: Echo) -> None:
        await relay.open()
        await relay.ask(call_of(b"alone"))
        await asyncio.gather(*(relay.ask(call_of(b"row")) for _ in range(100)))
        await relay.close()

    with echo() as (servicer, port, _server):
        asyncio.run(run(relay_to(port), servicer))

    assert servicer.sizes[0] == 1
    assert sum(servicer.sizes) == 101
    assert len(servicer.sizes) < 20


def test_a_call_that_takes_its_time_is_sent_by_itself() -> None:
    async def run(relay: Relay) -> bytes:
        await relay.open()
        answer = await relay.ask(call_of(b"slow"))
        await relay.close()
        return answer.body

    with echo() as (servicer, port, _server):
        assert asyncio.run(run(relay_to(port))) == b"SLOW"
        assert servicer.singles == 1


def test_an_error_is_the_callers_alone() -> None:
    async def run(relay: Relay) -> bytes:
        await relay.open()
        failing, answered = relay.ask(call_of(b"absent")), relay.ask(call_of(b"row"))
        results = await asyncio.gather(failing, answered, return_exceptions=True)
        await relay.close()
        assert isinstance(results[0], NotFound)
        assert (results[0].message, results[0].resource) == ("nothing here", "x")
        assert isinstance(results[1], pb.RelayedAnswer)
        return results[1].body

    with echo() as (_, port, _server):
        assert asyncio.run(run(relay_to(port))) == b"ROW"


def test_a_call_without_an_answer_ends_with_the_callers_deadline() -> None:
    async def run(relay: Relay) -> float:
        await relay.open()
        began = time.monotonic()
        with deadline.within(0.3), pytest.raises(DeadlineExceeded):
            await relay.ask(call_of(b"silent"))
        await relay.close()
        return time.monotonic() - began

    with echo() as (_, port, _server):
        assert asyncio.run(run(relay_to(port))) >= 0.3


def test_calls_of_a_process_that_is_lost_are_answered_by_another() -> None:
    async def run(relay: Relay, servers: dict[int, tuple[Echo, grpc.Server]]) -> list[bytes]:
        await relay.open()
        await asyncio.gather(*(relay.ask(call_of(b"row", f"{DEPLOYMENT}{number}")) for number in range(20)))
        busy, server = next(pair for pair in servers.values() if pair[0].sizes)
        busy.pause.clear()
        asked = [asyncio.create_task(relay.ask(call_of(b"row", f"{DEPLOYMENT}{number}"))) for number in range(20)]
        await asyncio.sleep(0.2)
        server.stop(0)
        answers = await asyncio.gather(*asked)
        busy.pause.set()
        await relay.close()
        return [answer.body for answer in answers]

    with echo() as (one, first, first_server), echo() as (two, second, second_server):
        servers = {first: (one, first_server), second: (two, second_server)}
        assert asyncio.run(run(relay_to(first, second), servers)) == [b"ROW"] * 20


def test_calls_of_a_process_that_says_nothing_are_answered_by_another() -> None:
    async def run(relay: Relay) -> list[bytes]:
        await relay.open()
        asked = [relay.ask(call_of(b"row", f"{DEPLOYMENT}{number}")) for number in range(20)]
        answers = await asyncio.gather(*asked)
        one.pause.set()
        await relay.close()
        return [answer.body for answer in answers]

    with echo() as (one, first, _), echo() as (two, second, _server):
        one.pause.clear()
        assert asyncio.run(run(relay_to(first, second, silent_seconds=0.3))) == [b"ROW"] * 20
        assert sum(two.sizes) == 20


def test_a_process_that_comes_back_is_spoken_to_again() -> None:
    async def run(relay: Relay, port: int) -> bytes:
        with pytest.raises(Unavailable, match="serving"):
            await relay.ask(call_of(b"row"))
        with echo(port):
            for _ in range(50):
                try:
                    answer = await relay.ask(call_of(b"row"))
                except Unavailable:
                    await asyncio.sleep(0.1)
                else:
                    await relay.close()
                    return answer.body
        raise AssertionError("the process was never spoken to again")

    async def whole(port: int) -> bytes:
        relay = relay_to(port)
        await relay.open()
        return await run(relay, port)

    with echo() as (_, port, _server):
        pass
    assert asyncio.run(whole(port)) == b"ROW"


def test_endpoints_that_come_and_go_are_followed() -> None:
    async def run(first: int, second: int) -> tuple[int, int]:
        endpoints = [f"127.0.0.1:{first}"]

        async def told() -> list[str]:
            return list(endpoints)

        relay = Relay(told, "token", 10.0)
        await relay.open()
        await relay.ask(call_of(b"row"))
        endpoints[:] = [f"127.0.0.1:{second}"]
        while not two.sizes:
            await relay.ask(call_of(b"row"))
            await asyncio.sleep(0.05)
        await relay.close()
        return len(one.sizes), len(two.sizes)

    with echo() as (one, first, _), echo() as (two, second, _server):
        counts = asyncio.run(run(first, second))

    assert min(counts) >= 1


def test_a_process_that_is_down_is_avoided_until_it_is_connected_to_again() -> None:
    async def ask_all(relay: Relay) -> None:
        for number in range(50):
            assert (await relay.ask(call_of(b"row", f"{DEPLOYMENT}{number}"))).body == b"ROW"

    async def run(down: int, there: int) -> tuple[float, int]:
        relay = relay_to(down, there)
        await relay.open()
        before = lost()
        await ask_all(relay)
        paid = lost() - before
        with echo(down) as (back, _, _server):
            while not back.sizes:
                await ask_all(relay)
                await asyncio.sleep(0.1)
            await relay.close()
        return paid, sum(back.sizes)

    with echo() as (_, down, _server):
        pass
    with echo() as (_, there, _server):
        paid, asked = asyncio.run(run(down, there))

    # The first call learns that it is down; half of the fifty would go there.
    assert 1 <= paid <= 3
    assert asked >= 1


def test_a_call_by_itself_goes_to_another_process_too_where_its_own_is_lost() -> None:
    async def run(servers: dict[int, tuple[Echo, grpc.Server]]) -> tuple[bytes, list[int]]:
        relay = relay_to(*servers)
        await relay.open()
        for servicer, _ in servers.values():
            servicer.pause.clear()
        asked = asyncio.create_task(relay.ask(call_of(b"x" * 20_000)))
        while not (busy := [pair for pair in servers.values() if pair[0].singles]):
            await asyncio.sleep(0.01)
        for servicer, _ in servers.values():
            if servicer is not busy[0][0]:
                servicer.pause.set()
        busy[0][1].stop(0)
        answer = await asked
        busy[0][0].pause.set()
        await relay.close()
        return answer.body, [servicer.singles for servicer, _ in servers.values()]

    with echo() as (one, first, first_server), echo() as (two, second, second_server):
        body, singles = asyncio.run(run({first: (one, first_server), second: (two, second_server)}))

    assert body == b"X" * 20_000
    assert singles == [1, 1]


def test_a_name_is_resolved_to_the_processes_behind_it() -> None:
    async def run(port: int) -> list[bytes]:
        relay = Relay(endpoints_of(f"dns:///localhost:{port}"), "token", 10.0)
        await relay.open()
        answers = [await relay.ask(call_of(b"row", f"{DEPLOYMENT}{number}")) for number in range(20)]
        await relay.close()
        return [answer.body for answer in answers]

    with echo() as (_, port, _server):
        found = asyncio.run(_told(f"dns:///localhost:{port}"))
        # Where localhost has an address of version 6 too, nobody listens there, which no caller may notice.
        assert f"127.0.0.1:{port}" in found
        assert asyncio.run(run(port)) == [b"ROW"] * 20


def test_a_name_that_can_not_be_resolved_is_an_error_of_the_system() -> None:
    with pytest.raises(socket.gaierror):
        asyncio.run(_told("dns:///no-such-host.invalid:7404"))


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        ("10.0.0.1:7404", ["10.0.0.1:7404"]),
        ("one:7404, two:7405", ["one:7404", "two:7405"]),
        ("[::1]:7404", ["[::1]:7404"]),
        ("dns:///127.0.0.1:7404", ["127.0.0.1:7404"]),
        ("dns:///[::1]:7404", ["[::1]:7404"]),
    ],
)
def test_endpoints_are_listed_or_behind_a_name(setting: str, found: list[str]) -> None:
    assert asyncio.run(_told(setting)) == found


@pytest.mark.parametrize("setting", ["", "host", "host:port", "dns:///host", "one:1,,two:2"])
def test_endpoints_that_are_neither_are_refused(setting: str) -> None:
    with pytest.raises(FailedPrecondition, match="FAIRLEAD_GATEWAY_SERVING_ENDPOINTS"):
        endpoints_of(setting)


def test_messages_and_lost_streams_are_counted() -> None:
    async def run(relay: Relay, server: grpc.Server) -> None:
        await relay.open()
        await asyncio.gather(*(relay.ask(call_of(b"row")) for _ in range(10)))
        await asyncio.to_thread(server.stop(0).wait)
        with pytest.raises(Unavailable):
            await relay.ask(call_of(b"row"))
        await relay.close()

    names = ("message_calls_sum", "streams_lost_total", "calls_lost_total")
    before = [value(name) for name in names]
    with echo() as (_, port, server):
        asyncio.run(run(relay_to(port), server))
    calls, streams, lost_calls = (value(name) - old for name, old in zip(names, before, strict=True))

    assert calls >= 10
    assert streams >= 2
    assert lost_calls == 2


def test_calls_under_way_are_told_by_endpoint_and_beyond_so_many_as_one() -> None:
    registry = CollectorRegistry()
    told = CallsUnderWay(registry, labelled=2)
    placement = Placement(["a:1", "b:1", "c:1", "d:1"])
    for endpoint in ("a:1", "c:1", "d:1", "d:1"):
        placement.begin(endpoint)
    told.watch(placement)

    gauge = "fairlead_gateway_relay_calls_under_way"
    found = [registry.get_sample_value(gauge, {"endpoint": name}) for name in ("a:1", "b:1", "c:1", "other")]
    assert found == [1, 0, None, 3]


def lost() -> float:
    return value("calls_lost_total")


def value(name: str) -> float:
    return REGISTRY.get_sample_value(f"fairlead_gateway_relay_{name}") or 0.0


async def _told(setting: str) -> list[str]:
    return await endpoints_of(setting)()
