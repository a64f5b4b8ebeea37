"""`fairlead up` on one machine, as its user sees it."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from fairlead.up.ports import METRICS, SERVICES
from tests.e2e.running import RunningFairlead, free_base_port

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up")


def test_up_from_the_first_start_to_the_last_stop(home: Path) -> None:
    fairlead = RunningFairlead.start(home)
    children = psutil.Process(fairlead.process.pid).children(recursive=True)

    assert "admin token" in fairlead.said()
    assert fairlead.token in fairlead.said()
    assert stat.S_IMODE((home / "token").stat().st_mode) == 0o600
    assert fairlead.stop() == 0
    assert psutil.wait_procs(children, timeout=5)[1] == []

    again = RunningFairlead.start(home)
    try:
        assert again.token not in again.said()
    finally:
        again.stop()


def test_a_port_in_use_is_a_clear_error(running: RunningFairlead, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "fairlead.cli.main", "up"),
            *("--port", str(running.base_port), "--home", str(tmp_path)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert f"port {running.base_port}" in done.stderr
    assert "--port" in done.stderr


def test_a_home_in_use_is_a_clear_error(running: RunningFairlead) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "fairlead.cli.main", "up"),
            *("--port", str(free_base_port()), "--home", str(running.home)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert "already runs" in done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_shows_its_metrics_to_who_has_a_token(running: RunningFairlead, service: str) -> None:
    url = f"http://127.0.0.1:{running.base_port + 1 + SERVICES.index(service) + METRICS}/metrics"

    refused = httpx.get(url)
    shown = httpx.get(url, headers={"Authorization": f"Bearer {running.token}"})

    assert refused.status_code == 401
    assert "fairlead_" in shown.text


def test_killing_up_itself_leaves_nothing_behind(tmp_path: Path) -> None:
    fairlead = RunningFairlead.start(tmp_path)
    children = psutil.Process(fairlead.process.pid).children(recursive=True)

    fairlead.process.kill()

    assert psutil.wait_procs(children, timeout=30)[1] == []
    again = RunningFairlead.start(tmp_path, fairlead.base_port)
    assert again.stop() == 0


def test_nothing_but_health_is_open(running: RunningFairlead) -> None:
    open_paths = [httpx.get(f"{running.url}{path}").status_code for path in ("/healthz", "/readyz")]
    closed = [
        httpx.get(f"{running.url}{path}").status_code
        for path in ("/api/v1/projects", "/openapi.json", "/docs", "/metrics", "/v2", "/api/v1/me")
    ]

    assert open_paths == [200, 200]
    assert set(closed) == {401}


def test_a_service_that_dies_is_started_again(running: RunningFairlead) -> None:
    before = running.pid_of("profiler")

    running.kill("profiler")

    running.wait_until_said("profiler was started again")
    deadline = time.monotonic() + 30
    while running.pid_of("profiler") in (None, before):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    running.wait_until_healthy()
