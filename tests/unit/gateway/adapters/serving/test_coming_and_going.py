"""Serving's processes come and go behind a name, and no call fails, not even where for a moment there is none."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.api.serving.v1.relay_service_pb2_grpc import add_RelayServiceServicer_to_server
from fairlead.kit.errors import Unavailable
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings
from services.gateway.adapters.serving.relay import Relay
from tests.unit.gateway.adapters.serving.echo import Echo, call_of, echo, relay_to_those


class Load:
    """Callers without a pause."""

    def __init__(self, relay: Relay, callers: int = 8) -> None:
        self._relay = relay
        self._goes_on = True
        self._tasks = [asyncio.create_task(self._call(number)) for number in range(callers)]
        self.answered = 0
        self.failures: list[str] = []

    async def more(self, count: int = 200) -> None:
        """Return once so many more were answered, or one failed."""
        wanted = self.answered + count
        while self.answered < wanted and not self.failures:
            await asyncio.sleep(0.01)

    async def end(self) -> list[str]:
        self._goes_on = False
        await asyncio.gather(*self._tasks)
        return self.failures

    async def _call(self, number: int) -> None:
        while self._goes_on:
            # One that is quick, and one that is sent by itself.
            for body in (b"row", b"slow"):
                try:
                    await self._relay.ask(call_of(body, f"projects/p/deployments/d{number}"))
                except Exception as error:  # noqa: BLE001  # whatever it is, it is a failed call
                    self.failures.append(repr(error))
                self.answered += 1
            await asyncio.sleep(0.001)


async def stopped(server: grpc.Server, grace: float) -> None:
    await asyncio.to_thread(server.stop(grace).wait)


@pytest.mark.parametrize("grace", [0.0, 5.0], ids=["cut short", "drained"])
def test_no_call_fails_while_each_process_is_replaced_by_another(grace: float) -> None:
    async def run() -> list[str]:
        with echo() as (_, one, first), echo() as (_, two, second), echo() as (_, three, _), echo() as (_, four, _):
            ports = [one, two]
            relay = relay_to_those(ports, patience=10)
            await relay.open()
            load = Load(relay)
            for going, coming, server in ((one, three, first), (two, four, second)):
                await load.more()
                ports.append(coming)
                ports.remove(going)
                # The name is asked for now and then, so calls still go where nobody is soon.
                await stopped(server, grace)
            await load.more()
            failures = await load.end()
            await relay.close()
            return failures

    assert asyncio.run(run()) == []


def test_a_call_waits_for_the_process_that_takes_the_only_ones_place() -> None:
    async def run() -> bytes:
        with echo() as (_, one, first), echo() as (_, two, _):
            ports = [one]
            relay = relay_to_those(ports, patience=10)
            await relay.open()
            await relay.ask(call_of(b"row"))
            await stopped(first, 0)
            asked = asyncio.create_task(relay.ask(call_of(b"row")))
            await asyncio.sleep(0.3)
            ports[:] = [two]
            answer = await asked
            await relay.close()
            return answer.body

    assert asyncio.run(run()) == b"ROW"


def test_where_there_was_none_for_long_a_call_fails_at_once() -> None:
    async def run() -> None:
        with echo() as (_, one, first):
            relay = relay_to_those([one], timeout=60, patience=0.5)
            await relay.open()
            await stopped(first, 0)
            with pytest.raises(Unavailable):
                await relay.ask(call_of(b"row"))
            # Not before its time is over, which is long.
            with pytest.raises(Unavailable):
                await relay.ask(call_of(b"row"))
            await relay.close()

    asyncio.run(run())


def test_the_end_of_a_connections_age_costs_no_call_and_no_stream() -> None:
    servicer, age = Echo(), 0.2
    server = RpcServer(
        KitSettings(service_token="token", connection_age_seconds=age),  # type: ignore[arg-type]
        address="127.0.0.1:0",
    )
    server.add(add_RelayServiceServicer_to_server, servicer, pb.DESCRIPTOR.services_by_name["RelayService"])
    server.start()

    async def run() -> list[str]:
        relay = relay_to_those([server.port])
        await relay.open()
        load = Load(relay)
        await asyncio.sleep(20 * age)
        failures = await load.end()
        await relay.close()
        return failures

    assert asyncio.run(run()) == []
    assert servicer.streams == 1
    server.stop(0)
