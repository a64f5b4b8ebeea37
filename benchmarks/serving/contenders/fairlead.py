"""Fairlead's own doors, as they are in use: token, checks, metrics and prediction log are on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import httpx

from fairlead.api.inference.v2.open_inference_pb2_grpc import GRPCInferenceServiceStub
from tests.unit.serving.running import BEARER, RunningService

from .. import requests
from ..figures import BATCH, BATCH_BINARY, BATCH_GRPC, GRPC, REST, STREAM
from ..scenario import Scenario
from ..server import pinned
from ..setting import Measured, Setting

VERSION = "projects/p/models/income/versions/1"
DEPLOYMENT, MODEL = "income", "p.income"
TOKEN = BEARER["authorization"]
BATCH_CONNECTIONS = 4


@contextmanager
def serving(scenario: Scenario, home: Path, core: int) -> Iterator[RunningService]:
    """Run serving on a core for a block, with the model deployed."""
    service = RunningService(home)
    service.stderr = home.parent / f"{home.name}.log"
    try:
        service.add_version(VERSION, scenario.package)
        service.models.versions[VERSION].manifest.CopyFrom(scenario.manifest)
        with pinned(core):
            service.spawn()
        try:
            service.wait_until_ready()
        except AssertionError as error:
            raise SystemExit(f"{error}\n{service.stderr.read_text(errors='replace')[-3000:]}") from None
        service.deploy(DEPLOYMENT, VERSION)
        yield service
    finally:
        service.close()


def rest(setting: Setting) -> Measured:
    """The Open Inference Protocol in JSON."""
    with _running(setting) as service:
        url, body = service.rest(f"/models/{MODEL}/infer"), _json(setting.scenario, rows=1)
        _check(setting.scenario, url, body)
        yield REST, setting.load.http(_pid(service), url, body, BEARER)


def unary(setting: Setting) -> Measured:
    """ModelInfer."""
    with _running(setting) as service:
        body = _message(setting.scenario, service, rows=1)
        yield GRPC, setting.load.grpc(_pid(service), service.settings.grpc_address, body, TOKEN)


def stream(setting: Setting) -> Measured:
    """ModelStreamInfer, one stream."""
    with _running(setting) as service:
        body = _message(setting.scenario, service, rows=1)
        yield STREAM, setting.load.stream(_pid(service), service.settings.grpc_address, body, TOKEN)


def batch(setting: Setting) -> Measured:
    """1,000 rows a request, so few connections that the core is busy: JSON, raw tensors over HTTP, and gRPC."""
    scenario = setting.scenario
    few = replace(setting.load, connections=BATCH_CONNECTIONS)
    with _running(setting) as service:
        url, body = service.rest(f"/models/{MODEL}/infer"), _json(scenario, rows=len(scenario.rows))
        _check(scenario, url, body)
        yield BATCH, few.http(_pid(service), url, body, BEARER)
        binary, headers = requests.open_inference_binary(scenario, scenario.rows)
        yield BATCH_BINARY, few.http(_pid(service), url, binary, {**BEARER, **headers})
        message = _message(scenario, service, rows=len(scenario.rows))
        yield BATCH_GRPC, few.grpc(_pid(service), service.settings.grpc_address, message, TOKEN)


@contextmanager
def _running(setting: Setting) -> Iterator[RunningService]:
    number = len(list(setting.scratch.glob("home-*")))
    with serving(setting.scenario, setting.scratch / f"home-{number}", setting.cores.server) as service:
        yield service


def _pid(service: RunningService) -> int:
    assert service.process is not None
    return service.process.pid


def _json(scenario: Scenario, rows: int) -> bytes:
    return json.dumps(requests.open_inference(scenario, scenario.rows[:rows])).encode()


def _message(scenario: Scenario, service: RunningService, rows: int) -> bytes:
    """The request's bytes, once their answer has been found right."""
    message = requests.open_inference_message(scenario, scenario.rows[:rows], MODEL)
    with grpc.insecure_channel(service.settings.grpc_address) as channel:
        metadata = (("authorization", TOKEN),)
        answer = GRPCInferenceServiceStub(channel).ModelInfer(message, timeout=60, metadata=metadata)
    scenario.check(requests.probability_of_message(answer), GRPC)
    return message.SerializeToString()


def _check(scenario: Scenario, url: str, body: bytes) -> None:
    answer = httpx.post(url, content=body, headers={**BEARER, "content-type": "application/json"}, timeout=60)
    if answer.status_code != 200:
        raise SystemExit(f"{urlsplit(url).path} answers {answer.status_code}: {answer.text[:500]}")
    scenario.check(requests.probability_of(answer.json()), REST)
