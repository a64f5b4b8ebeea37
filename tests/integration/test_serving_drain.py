"""SIGTERM under load that never stops: nobody's request fails, but for those that find nobody listening any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import cast

import grpc
import httpx
import pytest

from fairlead.api.inference.v2 import open_inference_pb2
from fairlead.api.inference.v2.open_inference_pb2_grpc import GRPCInferenceServiceStub
from fairlead.api.serving.v1 import relay_service_pb2
from fairlead.api.serving.v1.prediction_service_pb2_grpc import PredictionServiceStub
from fairlead.api.serving.v1.relay_service_pb2_grpc import RelayServiceStub
from tests import waiting
from tests.data import ROOT
from tests.ports import free_port
from tests.unit.serving import packages
from tests.unit.serving.running import BEARER, TOKEN, RunningService, census_request

VERSION = "projects/p/models/income/versions/1"
NAME, MODEL = "projects/p/deployments/income", "p.income"
METADATA = (("authorization", f"Bearer {TOKEN}"),)
ROW = {"age": 39.0, "hours-per-week": 40.0, "workclass": "Private"}
BODY = {
    "inputs": [
        {"name": "age", "shape": [1], "datatype": "FP64", "data": [39]},
        {"name": "hours-per-week", "shape": [1], "datatype": "FP64", "data": [40]},
        {"name": "workclass", "shape": [1], "datatype": "BYTES", "data": ["Private"]},
    ]
}
CALLERS = 3
PATIENCE = 30.0


class NobodyListens(Exception):
    """The one failure that a caller may see while the service ends: it knows that nothing was done."""


class Load:
    """Callers of one door, each with a connection that it keeps, asking again as soon as it is answered."""

    def __init__(self, ask: Callable[[], Callable[[], None]]) -> None:
        """ask() opens a connection and returns what asks once; that raises NobodyListens, or anything else."""
        self.answered = 0
        self.failures: list[str] = []
        self._threads = [Thread(target=self._run, args=(ask(),)) for _ in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def goes_on(self) -> None:
        """Return once some more requests were answered, or one has failed."""
        before = self.answered
        waiting.until(lambda: self.answered > before + 30 or bool(self.failures), "more answers")

    def join(self) -> None:
        """Wait until every caller found nobody listening."""
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _run(self, ask: Callable[[], None]) -> None:
        while True:
            try:
                ask()
            except NobodyListens:
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a failed request
                self.failures.append(f"{error!r:.400}")
                return
            self.answered += 1


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    running = RunningService(tmp_path / "home")
    running.add_version(VERSION, packages.classifier(tmp_path / "package").folder)
    running.start()
    running.deploy("income", VERSION)
    yield running
    running.close()


def over_http(url: str, body: object) -> Callable[[], Callable[[], None]]:
    def connected() -> Callable[[], None]:
        client = httpx.Client(headers=BEARER, timeout=PATIENCE)

        def ask() -> None:
            try:
                response = client.post(url, json=body)
            except httpx.ConnectError as error:
                raise NobodyListens from error
            assert response.status_code == 200, response.text

        return ask

    return connected


def over_grpc(address: str, call: Callable[[grpc.Channel], Callable[[], object]]) -> Callable[[], Callable[[], None]]:
    def connected() -> Callable[[], None]:
        # A connection each, as callers in processes of their own have.
        channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        asks = call(channel)

        def ask() -> None:
            try:
                asks()
            except grpc.RpcError as error:
                if "failed to connect" in str(cast(grpc.Call, error).details()):
                    raise NobodyListens from error
                raise

        return ask

    return connected


def infer_request() -> open_inference_pb2.ModelInferRequest:
    request = open_inference_pb2.ModelInferRequest(model_name=MODEL)
    for name, datatype in (("age", "FP64"), ("hours-per-week", "FP64"), ("workclass", "BYTES")):
        tensor = request.inputs.add(name=name, datatype=datatype, shape=[1])
        if datatype == "BYTES":
            tensor.contents.bytes_contents.append(b"Private")
        else:
            tensor.contents.fp64_contents.append(39)
    return request


def predict(channel: grpc.Channel) -> Callable[[], object]:
    stub, request = PredictionServiceStub(channel), census_request(NAME)
    return lambda: stub.Predict(request, metadata=METADATA, timeout=PATIENCE)


def infer(channel: grpc.Channel) -> Callable[[], object]:
    stub, request = GRPCInferenceServiceStub(channel), infer_request()
    return lambda: stub.ModelInfer(request, metadata=METADATA, timeout=PATIENCE)


def relay_one(channel: grpc.Channel) -> Callable[[], object]:
    stub = RelayServiceStub(channel)
    call = relay_service_pb2.RelayedCall(
        form=relay_service_pb2.RELAY_FORM_ROWS,
        deployment=NAME,
        body=b'{"rows": [{"age": 39, "hours-per-week": 40, "workclass": "Private"}]}',
    )
    request = relay_service_pb2.RelayOneRequest(call=call)
    return lambda: stub.RelayOne(request, metadata=METADATA, timeout=PATIENCE)


def stream_of(messages: int) -> Callable[[grpc.Channel], Callable[[], object]]:
    """Streams of some messages each, every one sent once the last is answered; a stream ends with its last answer."""

    def of(channel: grpc.Channel) -> Callable[[], object]:
        stub, request = GRPCInferenceServiceStub(channel), infer_request()

        def ask() -> None:
            answered: SimpleQueue[bool] = SimpleQueue()

            def requests() -> Iterator[open_inference_pb2.ModelInferRequest]:
                for _ in range(messages):
                    yield request
                    if not answered.get(timeout=PATIENCE):
                        return

            count = 0
            try:
                for response in stub.ModelStreamInfer(requests(), metadata=METADATA, timeout=PATIENCE):
                    assert not response.error_message
                    count += 1
                    answered.put(True)
            finally:
                answered.put(False)
            assert count == messages, f"{count} of {messages} messages were answered"

        return ask

    return of


def test_sigterm_under_load_fails_no_request_at_any_door(service: RunningService) -> None:
    settings = service.settings
    loads = {
        "REST": Load(over_http(service.rest(f"/models/{MODEL}/infer"), BODY)),
        "BentoML": Load(over_http(f"http://{settings.bento_address}/predict", {"deployment": NAME, "rows": [ROW]})),
        "Predict": Load(over_grpc(settings.address, predict)),
        "RelayOne": Load(over_grpc(settings.address, relay_one)),
        "ModelInfer": Load(over_grpc(settings.grpc_address, infer)),
        "ModelStreamInfer": Load(over_grpc(settings.grpc_address, stream_of(20))),
    }
    waiting.until(lambda: all(load.answered > 20 or load.failures for load in loads.values()), "all are under load")
    assert service.end(signal.SIGTERM) in (0, -signal.SIGTERM)
    for load in loads.values():
        load.join()
    print({door: load.answered for door, load in loads.items()})
    assert {door: load.failures for door, load in loads.items() if load.failures} == {}


def test_a_connection_that_is_idle_when_the_end_begins_still_gets_an_answer(service: RunningService) -> None:
    ask = over_http(service.rest(f"/models/{MODEL}/infer"), BODY)()
    ask()
    assert service.process is not None
    service.process.send_signal(signal.SIGTERM)
    ask()
    service.process.wait(PATIENCE)


class Gateway:
    """A gateway in a process of its own, in front of serving processes."""

    def __init__(self, home: Path, *services: RunningService) -> None:
        self.port = free_port(0, 1, 101)
        environment = {
            "FAIRLEAD_HOME": str(home),
            "FAIRLEAD_SERVICE_TOKEN": TOKEN,
            "FAIRLEAD_BASE_PORT": str(self.port),
            "FAIRLEAD_GATEWAY_SERVING_ENDPOINTS": ",".join(service.settings.address for service in services),
        }
        command = [sys.executable, "-m", "services.gateway"]
        self.process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment})
        self.url = f"http://127.0.0.1:{self.port}/v2/models/{MODEL}/infer"

    def wait_until_it_predicts(self) -> None:
        waiting.until(self._predicts, "the gateway's first prediction")

    def _predicts(self) -> bool:
        assert self.process.poll() is None
        try:
            return httpx.post(self.url, json=BODY, headers=BEARER).status_code == 200
        except httpx.TransportError:
            return False

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def test_sigterm_of_a_serving_process_or_of_the_gateway_fails_nothing_that_goes_through_the_gateway(
    service: RunningService, tmp_path: Path
) -> None:
    shared = service.settings
    other = RunningService(
        tmp_path / "other",
        {
            "FAIRLEAD_DATABASE_URL": shared.database_url,
            "FAIRLEAD_EVENTS_URL": shared.events_url,
            "FAIRLEAD_BLOBS_URL": shared.blobs_url,
        },
    )
    gateway = Gateway(tmp_path / "gateway", service, other)
    try:
        other.start()
        gateway.wait_until_it_predicts()
        load = Load(over_http(gateway.url, BODY))
        load.goes_on()
        service.end(signal.SIGTERM)
        load.goes_on()
        assert gateway.end() in (0, -signal.SIGTERM)
        load.join()
        print("gateway:", load.answered)
        assert load.failures == []
    finally:
        if gateway.process.poll() is None:
            gateway.process.kill()
        other.close()
