"""A process of which nothing is heard is left, whatever its callers' own time; and nobody waits longer than it said."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from structlog.testing import capture_logs

from fairlead.kit.errors import DeadlineExceeded
from fairlead.kit.rpc import deadline
from services.gateway.adapters.serving.relay import Relay
from tests.unit.gateway.adapters.serving.echo import Echo, call_of, echo, relay_to

LOST = "a serving process was lost; its calls go elsewhere"
LARGE = b"x" * 20_000


async def ask_until_answered(relay: Relay, body: bytes, seconds: float) -> int:
    """Ask again and again with so little time; return how many calls had no answer."""
    unanswered = 0
    async with asyncio.timeout(30):
        while True:
            try:
                with deadline.within(seconds):
                    await relay.ask(call_of(body))
            except DeadlineExceeded:
                unanswered += 1
            else:
                return unanswered


async def hushed(relay: Relay, servicers: dict[int, Echo]) -> Echo:
    """Make the process that answers the deployment say nothing more, and return it."""
    await relay.ask(call_of(b"row"))
    found = next(servicer for servicer in servicers.values() if servicer.sizes)
    found.pause.clear()
    return found


@pytest.mark.parametrize("body", [b"row", LARGE], ids=["on the stream", "by itself"])
def test_a_silent_process_is_left_though_its_callers_have_less_time_than_that(body: bytes) -> None:
    async def run(servicers: dict[int, Echo]) -> None:
        relay = relay_to(*servicers, silent_seconds=1.0)
        await relay.open()
        silent = await hushed(relay, servicers)
        assert await ask_until_answered(relay, body, 0.2) >= 1
        silent.pause.set()
        await relay.close()

    with capture_logs() as lines, echo() as (one, first, _), echo() as (two, second, _server):
        asyncio.run(run({first: one, second: two}))

    assert [line["event"] for line in lines if line["log_level"] == "warning"] == [LOST]


def test_a_silent_process_is_left_before_anyone_asks_it() -> None:
    async def run(servicers: dict[int, Echo]) -> float:
        relay = relay_to(*servicers, silent_seconds=0.5)
        await relay.open()
        silent = await hushed(relay, servicers)
        with capture_logs() as lines:
            async with asyncio.timeout(30):
                while not any(line["event"] == LOST for line in lines):
                    await asyncio.sleep(0.05)
        answer = await relay.ask(call_of(b"row"))
        silent.pause.set()
        await relay.close()
        return len(answer.body)

    with echo() as (one, first, _), echo() as (two, second, _server):
        assert asyncio.run(run({first: one, second: two})) == 3


def test_a_process_that_is_asked_nothing_gives_signs_of_life_on_the_same_stream() -> None:
    async def run() -> None:
        relay = relay_to(port, silent_seconds=0.2)
        await relay.open()
        await relay.ask(call_of(b"row"))
        async with asyncio.timeout(30):
            while len(servicer.sizes) < 5:
                await asyncio.sleep(0.05)
        await relay.ask(call_of(b"row"))
        await relay.close()

    with capture_logs() as lines, echo() as (servicer, port, _):
        asyncio.run(run())

    assert servicer.streams == 1
    assert [size for size in servicer.sizes if size] == [1, 1]
    assert all(line["event"] != LOST for line in lines)


def test_a_call_that_is_sent_by_itself_has_what_its_time_on_the_stream_left() -> None:
    async def run(servicer: Echo, port: int) -> None:
        relay = relay_to(port, timeout=20.0)
        await relay.open()
        servicer.pause.clear()
        asked = asyncio.create_task(relay.ask(call_of(b"slow")))
        await asyncio.sleep(0.5)
        servicer.pause.set()
        await asked
        await relay.close()

    with echo() as (servicer, port, _):
        asyncio.run(run(servicer, port))

    assert len(servicer.seconds) == 1
    assert servicer.seconds[0] <= 19.5


def test_a_call_that_is_sent_again_has_what_its_first_try_left() -> None:
    async def run(servers: dict[int, tuple[Echo, grpc.Server]]) -> None:
        relay = relay_to(*servers, timeout=20.0)
        await relay.open()
        for servicer, _ in servers.values():
            servicer.pause.clear()
        asked = asyncio.create_task(relay.ask(call_of(LARGE)))
        async with asyncio.timeout(30):
            while not (busy := [pair for pair in servers.values() if pair[0].singles]):
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        for servicer, _ in servers.values():
            if servicer is not busy[0][0]:
                servicer.pause.set()
        busy[0][1].stop(0)
        await asked
        busy[0][0].pause.set()
        await relay.close()

    with echo() as (one, first, first_server), echo() as (two, second, second_server):
        asyncio.run(run({first: (one, first_server), second: (two, second_server)}))

    assert len(one.seconds + two.seconds) == 2
    assert one.ids == two.ids
    assert min(one.seconds + two.seconds) <= 19.5
