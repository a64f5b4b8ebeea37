"""A gateway before two serving processes, under steady load: one may drain, start again, or die, and no call fails."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest

from tests import waiting
from tests.data import ROOT
from tests.ports import free_port
from tests.unit.serving import packages
from tests.unit.serving.running import BEARER, RunningService

VERSION = "projects/p/models/income/versions/1"
DEPLOYMENTS = tuple(f"income-{number}" for number in range(6))
ROW = {"age": 39, "hours-per-week": 40, "workclass": "Private"}
TENSORS = [
    {"name": name, "datatype": "BYTES" if isinstance(value, str) else "FP64", "shape": [1], "data": [value]}
    for name, value in ROW.items()
]
MANY = 400
"""Rows whose body is sent by itself."""


class Load:
    """Callers that ask the gateway without a pause: how many were answered, and what went wrong."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ended = Event()
        self.answered: dict[str, int] = {}
        self.failures: list[str] = []
        self._callers = [
            Thread(target=self._call, args=(f"{kind} {number}", target, body))
            for kind, target, body in (
                ("row", "/api/v1/projects/p/deployments/{}:predict", {"rows": [ROW]}),
                ("tensors", "/v2/models/p.{}/infer", {"inputs": TENSORS}),
                ("rows", "/api/v1/projects/p/deployments/{}:predict", {"rows": [ROW] * MANY}),
            )
            for number in range(1 if kind == "rows" else 4)
        ]

    def __enter__(self) -> Load:
        for caller in self._callers:
            caller.start()
        waiting.until(lambda: len(self.answered) == len(self._callers), "the first answers")
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for caller in self._callers:
            caller.join()

    def goes_on(self) -> None:
        """Wait until every caller has many more answers."""
        wanted = {caller: count + 60 for caller, count in self.answered.items()}
        waiting.until(lambda: all(self.answered[caller] >= count for caller, count in wanted.items()), "more answers")

    def _call(self, caller: str, target: str, body: object) -> None:
        content = json.dumps(body).encode()
        with httpx.Client(base_url=self._url, headers=BEARER, timeout=30) as http:
            for deployment in itertools.cycle(DEPLOYMENTS):
                if self._ended.is_set():
                    return
                try:
                    http.post(target.format(deployment), content=content).raise_for_status()
                except httpx.HTTPStatusError as error:
                    self.failures.append(f"{caller}: {error.response.text}")
                except httpx.TransportError as error:
                    self.failures.append(f"{caller}: {error!r}")
                self.answered[caller] = self.answered.get(caller, 0) + 1
                # One machine runs the processes and their callers.
                self._ended.wait(0.01)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningService, RunningService]]:
    folder = tmp_path_factory.mktemp("drain")
    with ExitStack() as opened:
        one = RunningService(folder / "one")
        opened.callback(one.close)
        shared = one.settings
        urls = {"DATABASE_URL": shared.database_url, "EVENTS_URL": shared.events_url, "BLOBS_URL": shared.blobs_url}
        other = RunningService(folder / "other", {f"FAIRLEAD_{name}": url for name, url in urls.items()})
        opened.callback(other.close)
        other.models.versions = one.models.versions
        one.add_version(VERSION, packages.classifier(folder / "package", trees=5).folder)
        for service in (one, other):
            service.spawn()
        for service in (one, other):
            service.wait_until_ready()
        for deployment in DEPLOYMENTS:
            one.deploy(deployment, VERSION)
        yield one, other


@pytest.fixture(scope="module")
def url(pair: tuple[RunningService, RunningService], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    one, other = pair
    endpoints = f"{one.settings.address},{other.settings.address}"
    with gateway(tmp_path_factory.mktemp("gateway"), one, endpoints) as address:
        yield address


@contextmanager
def gateway(home: Path, serving: RunningService, endpoints: str) -> Iterator[str]:
    """Run a gateway process for a block, and give its URL."""
    port = free_port(1, 101)
    environment = {
        "FAIRLEAD_HOME": str(home),
        "FAIRLEAD_BASE_PORT": str(port),
        "FAIRLEAD_SERVING_ADDRESS": serving.settings.address,
        "FAIRLEAD_GATEWAY_SERVING_ENDPOINTS": endpoints,
        "FAIRLEAD_GATEWAY_INFERENCE_ADDRESS": serving.settings.grpc_address,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "services.gateway"], cwd=ROOT, env={**serving.environment, **environment}
    )
    url = f"http://127.0.0.1:{port}"
    try:
        waiting.until(lambda: process.poll() is not None or _is_ready(url), "the gateway")
        httpx.post(f"{url}/api/v1/projects", json={"project_id": "p"}, headers=BEARER).raise_for_status()
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_no_call_fails_while_serving_processes_drain_start_and_die(
    pair: tuple[RunningService, RunningService], url: str
) -> None:
    one, other = pair
    with Load(url) as load:
        assert one.end(signal.SIGTERM) in (0, -signal.SIGTERM)
        load.goes_on()
        one.start()
        load.goes_on()
        other.end(signal.SIGKILL)
        load.goes_on()

    assert load.failures == []
