"""Calls go along on one stream, each gets its own answer, and a process that is lost costs nobody an answer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.api.serving.v1.relay_service_pb2_grpc import (
    RelayServiceServicer,
    add_RelayServiceServicer_to_server,
)
from fairlead.kit.errors import DeadlineExceeded, NotFound, Unavailable
from fairlead.kit.rpc import deadline
from fairlead.kit.rpc.status import to_details
from services.gateway.adapters.relay import Relay

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


def relay_to(*ports: int, timeout: float = 10.0) -> Relay:
    async def endpoints() -> list[str]:
        return [f"127.0.0.1:{port}" for port in ports]

    return Relay(endpoints, "token", timeout)


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
