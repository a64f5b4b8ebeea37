"""The relay to serving processes that show certificates for the name that they are behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.api.serving.v1.relay_service_pb2_grpc import add_RelayServiceServicer_to_server
from fairlead.kit.errors import Unavailable
from fairlead.kit.rpc.certificates import Certificates
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings
from services.gateway.adapters.serving.endpoints import name_of
from services.gateway.adapters.serving.relay import Relay
from tests.certificates import Authority, serial_of
from tests.unit.gateway.adapters.serving.echo import Echo, call_of

NAME = name_of("dns:///house-serving-headless:7482")


@dataclass
class Serving:
    """A serving process, and the certificates that its callers showed."""

    port: int = 0
    serials: set[int] = field(default_factory=set)


class Noting(Echo):
    """Notes the certificates of whoever asks by a call of its own."""

    def __init__(self, serving: Serving) -> None:
        super().__init__()
        self._serving = serving

    def RelayOne(self, request: pb.RelayOneRequest, context: grpc.ServicerContext) -> pb.RelayOneResponse:
        (shown,) = context.auth_context()["x509_pem_cert"]
        self._serving.serials.add(serial_of(shown))
        return super().RelayOne(request, context)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def serving(authority: Authority) -> Iterator[Serving]:
    files = authority.give("serving", NAME)
    settings = KitSettings(
        service_token="token",  # type: ignore[arg-type]
        tls_certificate_file=str(files.certificate),
        tls_key_file=str(files.key),
        tls_ca_file=str(files.ca),
    )
    serving = Serving()
    server = RpcServer(settings, address="127.0.0.1:0")
    service = pb.DESCRIPTOR.services_by_name["RelayService"]
    server.add(add_RelayServiceServicer_to_server, Noting(serving), service)
    server.start()
    serving.port = server.port
    yield serving
    server.stop(0)


def relay_to(serving: Serving, authority: Authority, name: str) -> Relay:
    async def endpoints() -> list[str]:
        return [f"127.0.0.1:{serving.port}"]

    certificates = Certificates(authority.files("gateway"))
    return Relay(endpoints, lambda: "Bearer token", 10.0, certificates=certificates, name=name)


def test_a_new_certificate_is_shown_while_calls_flow(serving: Serving, authority: Authority) -> None:
    async def run() -> int:
        authority.give("gateway")
        relay = relay_to(serving, authority, NAME)
        await relay.open()
        assert (await relay.ask(call_of(b"row"))).body == b"ROW"
        serial = serial_of(authority.give("gateway").certificate.read_bytes())
        async with asyncio.timeout(30):
            while serial not in serving.serials:
                # One on the stream, and one by itself.
                answers = await asyncio.gather(relay.ask(call_of(b"row")), relay.ask(call_of(b"slow")))
                assert [answer.body for answer in answers] == [b"ROW", b"SLOW"]
        await relay.close()
        return len(serving.serials)

    assert asyncio.run(run()) == 2


def test_a_process_with_a_certificate_for_another_name_is_sent_nothing(serving: Serving, authority: Authority) -> None:
    async def run() -> None:
        authority.give("gateway")
        relay = relay_to(serving, authority, "house-trainer-headless")
        await relay.open()
        with pytest.raises(Unavailable):
            await relay.ask(call_of(b"slow"))
        await relay.close()

    asyncio.run(run())
    assert serving.serials == set()
