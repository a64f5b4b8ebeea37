"""What a kubelet is told of real processes, from their start to the end of their drain."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from fairlead.kit.rpc.probes import LIVE, READY, STARTED
from tests import waiting
from tests.data import ROOT
from tests.ports import free_port

OFFSETS = {"gateway": 1, "serving": 4}
PAGES = {"gateway": (0, "/readyz"), "serving": (80, "/readyz")}


class Process:
    """A service in a home of its own, with probes."""

    def __init__(self, service: str, home: Path) -> None:
        offset, (http, path) = OFFSETS[service], PAGES[service]
        base = free_port(offset, offset + 100, offset + 200, 80, 81, 82)
        self.page = f"http://127.0.0.1:{base + http}{path}"
        environment = {"FAIRLEAD_HOME": str(home), "FAIRLEAD_BASE_PORT": str(base), "FAIRLEAD_SERVICE_TOKEN": "token"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"services.{service}"], cwd=ROOT, env={**environment, "FAIRLEAD_PROBES": "true"}
        )
        self._channel = grpc.insecure_channel(
            f"127.0.0.1:{base + offset + 200}", options=[("grpc.max_reconnect_backoff_ms", 100)]
        )
        self._health = HealthStub(self._channel)

    def serves(self, name: str) -> bool | None:
        """What the probe is told; None where nobody answers."""
        try:
            answer = self._health.Check(HealthCheckRequest(service=name), timeout=10)
        except grpc.RpcError:
            return None
        return bool(answer.status == HealthCheckResponse.SERVING)

    def leave(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        return self._process.wait(60)

    def close(self) -> None:
        self._channel.close()
        self._process.kill()
        self._process.wait()


@pytest.fixture(params=sorted(OFFSETS))
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Process]:
    process = Process(request.param, tmp_path)
    yield process
    process.close()


def test_a_service_lives_then_is_started_and_ready_and_is_not_ready_while_it_drains(process: Process) -> None:
    waiting.until(lambda: process.serves(LIVE) is True, "the process")
    waiting.until(lambda: process.serves(READY) is True, "readiness", 120)
    # Not a moment before it answers.
    with httpx.Client() as http:
        assert http.get(process.page).status_code == 200
        assert process.serves(STARTED) is True
        # A connection that is kept is waited for a while, in which the probes are asked.
        process.leave()
        waiting.until(lambda: process.serves(READY) is not True, "the drain")
        assert process.serves(READY) is False
        assert process.serves(LIVE) is True
        answer = http.get(process.page)
        assert answer.headers["connection"] == "close"
    assert process.wait() in (0, -signal.SIGTERM)
