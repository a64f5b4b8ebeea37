"""Where serving listens: what the setting may say, and what is found by it."""

from __future__ import annotations

import asyncio
import socket

import pytest

from fairlead.kit.errors import FailedPrecondition
from services.gateway.adapters.serving.endpoints import endpoints_of
from services.gateway.adapters.serving.relay import Relay
from tests.unit.gateway.adapters.serving.echo import DEPLOYMENT, call_of, echo


def test_a_name_is_resolved_to_the_processes_behind_it() -> None:
    async def run(port: int) -> list[bytes]:
        relay = Relay(endpoints_of(f"dns:///localhost:{port}"), lambda: "Bearer token", 10.0)
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


@pytest.mark.parametrize(
    "setting", ["", "host", ":7404", "host:port", "host:0", "host:65536", "host:\u00b2", "dns:///host", "one:1,,two:2"]
)
def test_endpoints_that_are_neither_are_refused(setting: str) -> None:
    with pytest.raises(FailedPrecondition, match="FAIRLEAD_GATEWAY_SERVING_ENDPOINTS"):
        endpoints_of(setting)


async def _told(setting: str) -> list[str]:
    return await endpoints_of(setting)()
