"""Services that show each other certificates, and new ones without a restart."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from fairlead.api.gateway.v1 import project_service_pb2 as api
from fairlead.api.gateway.v1.project_service_pb2_grpc import (
    ProjectServiceServicer,
    ProjectServiceStub,
    add_ProjectServiceServicer_to_server,
)
from fairlead.kit.errors import FailedPrecondition, FairleadError, Unavailable
from fairlead.kit.rpc.certificates import Certificates, TlsFiles, certificates
from fairlead.kit.rpc.channel import connect, connect_to
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings
from tests import waiting
from tests.certificates import Authority, serial_of, serial_shown

TOKEN = "a-service-token"
ANY = api.GetProjectRequest(name="any")


@dataclass
class Projects(ProjectServiceServicer):
    """Notes the certificates of its callers."""

    serials: list[int] = field(default_factory=list)

    def GetProject(self, _request: api.GetProjectRequest, context: grpc.ServicerContext) -> api.GetProjectResponse:
        (shown,) = context.auth_context()["x509_pem_cert"]
        self.serials.append(serial_of(shown))
        return api.GetProjectResponse()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@dataclass(frozen=True)
class Running:
    servicer: Projects
    port: int

    def stub(self, files: TlsFiles | None) -> ProjectServiceStub:
        known = None if files is None else Certificates(files)
        return ProjectServiceStub(connect(f"127.0.0.1:{self.port}", token=TOKEN, certificates=known, timeout=5))


def settings_of(files: TlsFiles, **more: object) -> KitSettings:
    paths = {"tls_certificate_file": files.certificate, "tls_key_file": files.key, "tls_ca_file": files.ca}
    return KitSettings(service_token=TOKEN, **{name: str(path) for name, path in paths.items()}, **more)  # type: ignore[arg-type]


@pytest.fixture
def running(authority: Authority) -> Iterator[Running]:
    servicer = Projects()
    # A connection lasts but a moment, so that new ones are made.
    server = RpcServer(settings_of(authority.give("server"), connection_age_seconds=0.2), address="127.0.0.1:0")
    server.add(add_ProjectServiceServicer_to_server, servicer, api.DESCRIPTOR.services_by_name["ProjectService"])
    server.start()
    yield Running(servicer, server.port)
    server.stop(grace=0)


def test_a_service_with_a_certificate_of_the_ca_is_answered(running: Running, authority: Authority) -> None:
    files = authority.give("client")
    running.stub(files).GetProject(ANY)

    assert running.servicer.serials == [serial_of(files.certificate.read_bytes())]


def test_the_settings_say_how_a_service_is_spoken_to(running: Running, authority: Authority) -> None:
    settings = settings_of(authority.give("client"), trainer_address=f"127.0.0.1:{running.port}")
    with connect_to(settings, "trainer") as channel:
        ProjectServiceStub(channel).GetProject(ANY)


def test_who_speaks_plaintext_is_refused(running: Running) -> None:
    with pytest.raises(Unavailable):
        running.stub(None).GetProject(ANY)


def test_who_shows_no_certificate_is_refused(running: Running, authority: Authority) -> None:
    trusting = grpc.ssl_channel_credentials(authority.give("client").ca.read_bytes())
    with grpc.secure_channel(f"127.0.0.1:{running.port}", trusting) as channel, pytest.raises(grpc.RpcError) as caught:
        ProjectServiceStub(channel).GetProject(ANY, metadata=(("authorization", f"Bearer {TOKEN}"),), timeout=5)

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert running.servicer.serials == []


def test_a_certificate_of_another_ca_is_refused_by_the_server(
    running: Running, authority: Authority, tmp_path: Path
) -> None:
    files = Authority(tmp_path / "other").give("client")
    # It trusts the server, and is not trusted.
    files.ca.write_bytes(authority.give("client").ca.read_bytes())
    with pytest.raises(Unavailable):
        running.stub(files).GetProject(ANY)

    assert running.servicer.serials == []


def test_a_server_of_another_ca_is_refused_by_its_caller(
    running: Running, authority: Authority, tmp_path: Path
) -> None:
    files = authority.give("client")
    files.ca.write_bytes(Authority(tmp_path / "other").give("client").ca.read_bytes())
    with pytest.raises(Unavailable):
        running.stub(files).GetProject(ANY)

    assert running.servicer.serials == []


def test_new_certificates_of_both_sides_are_used_while_calls_flow(running: Running, authority: Authority) -> None:
    client = authority.give("client")
    stub, failures, ended = running.stub(client), [], threading.Event()

    def call() -> None:
        while not ended.is_set():
            try:
                stub.GetProject(ANY)
            except FairleadError as error:
                failures.append(error.message)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for _ in range(2):
        server = authority.give("server")
        serial = serial_of(server.certificate.read_bytes())
        waiting.until(lambda serial=serial: serial_shown(running.port, client) == serial, "the server's new one")  # type: ignore[misc]
        serial = serial_of(authority.give("client").certificate.read_bytes())
        waiting.until(lambda serial=serial: serial in running.servicer.serials[-8:], "the caller's new one")  # type: ignore[misc]
    ended.set()
    for caller in callers:
        caller.join()

    assert failures == []


def test_files_that_do_not_belong_together_are_told_at_the_start_and_passed_over_later(authority: Authority) -> None:
    files = authority.give("client")
    clock = iter(range(0, 1000, 10))
    known = Certificates(files, clock=lambda: next(clock))
    first = known.identity
    files.key.write_bytes(authority.give("server").key.read_bytes())
    assert known.identity is first
    with pytest.raises(FailedPrecondition, match="FAIRLEAD_TLS_KEY_FILE"):
        Certificates(files)
    authority.give("client")
    assert known.identity is not first


def test_no_half_of_a_change_is_ever_used(authority: Authority) -> None:
    files = authority.give("client")
    clock = itertools.count(0, 10)
    known = Certificates(files, clock=lambda: next(clock))
    seen = {known.identity.certificate}
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            identity = known.identity
            seen.add(identity.certificate)
            shown = x509.load_pem_x509_certificate(identity.certificate).public_key()
            own = serialization.load_pem_private_key(identity.key, password=None).public_key()
            assert shown == own

    with ThreadPoolExecutor(1) as looking:
        looked = looking.submit(look)
        while len(seen) < 10 and not looked.done():
            authority.give("client")
        ended.set()
        looked.result()

    assert known.identity.certificate == files.certificate.read_bytes()


def test_some_files_are_not_enough(authority: Authority) -> None:
    files = authority.give("client")
    with pytest.raises(FailedPrecondition, match="set together, or none"):
        certificates(KitSettings(tls_certificate_file=str(files.certificate)))

    assert certificates(KitSettings()) is None
