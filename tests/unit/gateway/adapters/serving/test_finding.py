"""Endpoints come, go, and can't be found for a while: calls are answered, or told when to come again."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from fairlead.kit.errors import Unavailable
from services.gateway.adapters.serving import relay as relay_module
from services.gateway.adapters.serving.endpoints import endpoints_of
from services.gateway.adapters.serving.relay import Relay
from tests.unit.gateway.adapters.serving.echo import DEPLOYMENT, call_of, echo

ROUNDS = 3
FAILURES = [
    socket.gaierror(-2, "Name or service not known"),
    UnicodeError("encoding with 'idna' codec failed"),
    ValueError("something else"),
]


class Names:
    """Tells endpoints as a resolver does that fails when it is told to; counts how often it was asked."""

    def __init__(self, found: list[str], failure: Exception | None = None) -> None:
        self.found, self.failure, self.asked = found, failure, 0

    async def __call__(self) -> list[str]:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return list(self.found)

    async def asked_again(self, times: int = ROUNDS) -> None:
        enough = self.asked + times
        await until(lambda: self.asked >= enough)


def under_way(port: int) -> float:
    labels = {"endpoint": f"127.0.0.1:{port}"}
    return REGISTRY.get_sample_value("fairlead_gateway_relay_calls_under_way", labels) or 0.0


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_without_endpoints_calls_are_told_to_come_again_until_there_are_some(failure: Exception) -> None:
    async def run(port: int) -> tuple[Unavailable, bytes]:
        names = Names([f"127.0.0.1:{port}"], failure)
        relay = Relay(names, lambda: "Bearer token", 10.0)
        await relay.open()
        with pytest.raises(Unavailable, match="its name is not resolved yet; try again") as refused:
            await relay.ask(call_of(b"row"))
        await names.asked_again()
        names.failure = None
        await names.asked_again(2)
        answer = await relay.ask(call_of(b"row"))
        await relay.close()
        return refused.value, answer.body

    with echo() as (_, port, _server):
        refused, body = asyncio.run(run(port))

    assert refused.retry_after == 2.0
    assert body == b"ROW"


def test_a_name_that_no_resolver_takes_is_waited_for_too() -> None:
    async def run() -> None:
        relay = Relay(endpoints_of(f"dns:///{'a' * 64}.invalid:7404"), lambda: "Bearer token", 10.0)
        await relay.open()
        with pytest.raises(Unavailable, match="not resolved"):
            await relay.ask(call_of(b"row"))
        await relay.close()

    asyncio.run(run())


def test_endpoints_that_were_found_stay_while_they_can_not_be_found_again_which_is_told_once() -> None:
    async def run(port: int) -> bytes:
        names = Names([f"127.0.0.1:{port}"])
        relay = Relay(names, lambda: "Bearer token", 10.0)
        await relay.open()
        names.failure = FAILURES[0]
        await names.asked_again()
        answer = await relay.ask(call_of(b"row"))
        names.failure = None
        await names.asked_again()
        await relay.close()
        return answer.body

    with capture_logs() as lines, echo() as (_, port, _server):
        assert asyncio.run(run(port)) == b"ROW"

    told = [line["event"] for line in lines if "found" in line["event"]]
    assert told == ["serving's endpoints can't be found now", "serving's endpoints are found again"]


def test_a_resolver_that_takes_its_time_holds_nothing_up() -> None:
    answered = threading.Event()

    async def slow() -> list[str]:
        await asyncio.to_thread(answered.wait)
        return []

    async def run() -> None:
        relay = Relay(slow, lambda: "Bearer token", 10.0)
        await asyncio.wait_for(relay.open(), relay_module.FIND_SECONDS + 20)
        with pytest.raises(Unavailable, match="not resolved"):
            await relay.ask(call_of(b"row"))
        answered.set()
        await relay.close()

    asyncio.run(run())


def test_endpoints_that_leave_end_side_by_side_while_new_ones_answer() -> None:
    async def run(first: int, second: int, third: int) -> tuple[int, list[bytes]]:
        names = Names([f"127.0.0.1:{first}", f"127.0.0.1:{second}"])
        relay = Relay(names, lambda: "Bearer token", 10.0)
        await relay.open()
        one.pause.clear()
        two.pause.clear()
        asked = [asyncio.create_task(relay.ask(call_of(b"old", f"{DEPLOYMENT}{number}"))) for number in range(20)]
        await until(lambda: under_way(first) + under_way(second) == 20 and min(under_way(first), under_way(second)) > 0)
        names.found = [f"127.0.0.1:{third}"]
        await names.asked_again(2)
        new = (await relay.ask(call_of(b"new"))).body
        unanswered = sum(not each.done() for each in asked)
        one.pause.set()
        two.pause.set()
        old = [answer.body for answer in await asyncio.gather(*asked)]
        await relay.close()
        return unanswered, [new, *old]

    with echo() as (one, first, _), echo() as (two, second, _server), echo() as (_three, third, _last):
        unanswered, bodies = asyncio.run(run(first, second, third))

    assert unanswered == 20
    assert bodies == [b"NEW", *[b"OLD"] * 20]
