"""`fairlead up` on one machine, as its user sees it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from fairlead.up.home import RESTORE_MARK
from fairlead.up.ports import METRICS, SERVICES
from tests.e2e.running import RunningFairlead, free_base_port, without_back_ends

pytestmark = pytest.mark.e2e


def refused_start(home: Path, base_port: int | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Return what `fairlead up` says on standard error where it can't start."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "fairlead.cli.main", "up"),
            *("--port", str(base_port or free_base_port()), "--home", str(home)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env={**without_back_ends(os.environ), **(environment or {})},
    )
    assert done.returncode == 1
    return done.stderr


def test_a_port_in_use_is_a_clear_error(running: RunningFairlead, tmp_path: Path) -> None:
    said = refused_start(tmp_path, running.base_port)

    assert f"port {running.base_port}" in said
    assert "--port" in said


def test_a_home_in_use_is_a_clear_error(running: RunningFairlead) -> None:
    assert "already runs" in refused_start(running.home)


@pytest.mark.parametrize(
    ("variable", "url", "named"),
    [
        ("FAIRLEAD_DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/db", "PostgreSQL at 127.0.0.1:1/db"),
        ("FAIRLEAD_EVENTS_URL", "kafka://127.0.0.1:1", "Kafka at 127.0.0.1:1"),
        ("FAIRLEAD_BLOBS_URL", "s3://bucket", "s3://bucket"),
        ("FAIRLEAD_DATABASE_URL", "mysql://127.0.0.1/db", "postgresql://user:password@host/database"),
    ],
)
def test_a_back_end_that_can_not_be_used_is_named_before_anything_starts(
    tmp_path: Path, variable: str, url: str, named: str
) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    nowhere = {"FAIRLEAD_S3_ENDPOINT_URL": "http://127.0.0.1:1", **keys}

    said = refused_start(tmp_path, environment={variable: url, **nowhere})

    assert named in said
    assert "secret" not in said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_shows_its_metrics_to_who_has_a_token(running: RunningFairlead, service: str) -> None:
    url = f"http://127.0.0.1:{running.base_port + 1 + SERVICES.index(service) + METRICS}/metrics"

    refused = httpx.get(url)
    shown = httpx.get(url, headers={"Authorization": f"Bearer {running.token}"})

    assert refused.status_code == 401
    assert "fairlead_" in shown.text


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


def test_a_home_that_is_half_restored_is_not_started(tmp_path: Path) -> None:
    (tmp_path / RESTORE_MARK).write_text("{}")

    assert "run `fairlead restore`" in refused_start(tmp_path)
