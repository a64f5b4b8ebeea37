"""Calls go along on one stream, each gets its own answer, and a process that is lost costs nobody an answer."""

from __future__ import annotations

import asyncio
import time

import grpc
import pytest
from prometheus_client import REGISTRY

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.kit.errors import DeadlineExceeded, NotFound, Unavailable
from fairlead.kit.rpc import deadline
from services.gateway.adapters.serving.relay import Relay
from services.gateway.adapters.serving.stream import MOST_UNANSWERED
from tests.unit.gateway.adapters.serving.echo import DEPLOYMENT, Echo, call_of, echo, relay_to


def test_every_caller_has_the_answer_to_its_own_call() -> None:
    async def run(relay: Relay) -> list[bytes]:
        await relay.open()
        answers = await asyncio.gather(*(relay.ask(call_of(f"row {number}".encode())) for number in range(500)))
        await relay.close()
        return [answer.body for answer in answers]

    with echo() as (_, port, _server):
        assert asyncio.run(run(relay_to(port))) == [f"ROW {number}".encode() for number in range(500)]


def test_every_call_has_a_request_id_of_its_own_which_it_keeps_where_it_is_sent_again() -> None:
    async def run(relay: Relay) -> None:
        await relay.open()
        await asyncio.gather(*(relay.ask(call_of(b"row")) for _ in range(20)))
        await relay.ask(call_of(b"slow"))
        await relay.close()

    with echo() as (servicer, port, _server):
        asyncio.run(run(relay_to(port)))

    *others, first, again = servicer.ids
    assert first == again
    assert len({*others, first}) == 21
    assert all(others)


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


def test_who_asks_while_messages_are_unanswered_goes_along_with_the_next() -> None:
    async def run(relay: Relay, servicer: Echo) -> None:
        await relay.open()
        await relay.ask(call_of(b"alone"))
        servicer.pause.clear()
        asked = []
        for _ in range(20):
            asked.append(asyncio.create_task(relay.ask(call_of(b"row"))))
            await asyncio.sleep(0.01)
        servicer.pause.set()
        await asyncio.gather(*asked)
        await relay.close()

    with echo() as (servicer, port, _server):
        asyncio.run(run(relay_to(port), servicer))

    assert servicer.sizes == [1, *[1] * MOST_UNANSWERED, 20 - MOST_UNANSWERED]


def test_a_call_whose_time_is_over_before_it_could_be_sent_is_not_sent() -> None:
    async def run(relay: Relay, servicer: Echo) -> None:
        await relay.open()
        await relay.ask(call_of(b"alone"))
        servicer.pause.clear()
        sent = []
        for _ in range(MOST_UNANSWERED):
            sent.append(asyncio.create_task(relay.ask(call_of(b"row"))))
            await asyncio.sleep(0.05)
        with deadline.within(0.3), pytest.raises(DeadlineExceeded):
            await relay.ask(call_of(b"late"))
        last = asyncio.create_task(relay.ask(call_of(b"row")))
        await asyncio.sleep(0.05)
        servicer.pause.set()
        await asyncio.gather(*sent, last)
        await relay.close()

    with echo() as (servicer, port, _server):
        asyncio.run(run(relay_to(port), servicer))

    assert sum(servicer.sizes) == 1 + MOST_UNANSWERED + 1


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

        relay = Relay(told, lambda: "Bearer token", 10.0)
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


def lost() -> float:
    return value("calls_lost_total")


def value(name: str) -> float:
    return REGISTRY.get_sample_value(f"fairlead_gateway_relay_{name}") or 0.0
