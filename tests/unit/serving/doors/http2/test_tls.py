"""The gRPC door behind certificates, and new ones without a restart."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from fairlead.api.inference.v2.open_inference_pb2_grpc import GRPCInferenceServiceStub
from fairlead.kit.errors import FairleadError, Unavailable
from fairlead.kit.rpc.certificates import Certificates, TlsFiles
from fairlead.kit.rpc.channel import connect
from services.serving.doors.http2.server import Bounds
from tests import waiting
from tests.certificates import Authority, serial_of, serial_shown
from tests.unit.serving.doors.http2.caller import TOKEN, value
from tests.unit.serving.doors.http2.door import Door, house


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def door(authority: Authority, tmp_path: Path) -> Iterator[Door]:
    certificates = Certificates(authority.give("server"))
    door = Door(tmp_path, certificates=certificates, bounds=Bounds(age=0.5))
    yield door
    door.close()


def stub_of(door: Door, files: TlsFiles | None) -> GRPCInferenceServiceStub:
    certificates = None if files is None else Certificates(files)
    channel = connect(f"127.0.0.1:{door.server.port}", token=TOKEN, timeout=20, certificates=certificates)
    return GRPCInferenceServiceStub(channel)


def test_a_caller_with_a_certificate_of_the_ca_is_answered(door: Door, authority: Authority) -> None:
    stub = stub_of(door, authority.give("client"))

    assert value(stub.ModelInfer(house(2))) == 3
    # One that goes on to the general server, which is reached from here alone.
    assert value(stub.ModelInfer(house(2, routing="x"))) == 3


def test_who_has_none_or_one_of_another_ca_is_refused(door: Door, authority: Authority, tmp_path: Path) -> None:
    trusted = authority.give("client").ca
    foreign = Authority(tmp_path / "other").give("client")
    foreign.ca.write_bytes(trusted.read_bytes())
    for files in (None, foreign):
        with pytest.raises(Unavailable):
            stub_of(door, files).ModelInfer(house(2))
    with grpc.secure_channel(
        f"127.0.0.1:{door.server.port}", grpc.ssl_channel_credentials(trusted.read_bytes())
    ) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            GRPCInferenceServiceStub(channel).ModelInfer(house(2), timeout=10)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_new_certificate_is_used_while_calls_flow(door: Door, authority: Authority) -> None:
    client = authority.give("client")
    stub, failures, ended = stub_of(door, client), [], threading.Event()

    def call() -> None:
        while not ended.is_set():
            try:
                stub.ModelInfer(house(2))
            except FairleadError as error:
                failures.append(error.message)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for _ in range(2):
        serial = serial_of(authority.give("server").certificate.read_bytes())
        waiting.until(
            lambda serial=serial: serial_shown(door.server.port, client) == serial,  # type: ignore[misc]
            "the new one",
        )
    ended.set()
    for caller in callers:
        caller.join()

    assert failures == []
