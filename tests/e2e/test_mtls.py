"""The whole job while all services show each other certificates, which are renewed in the middle of it."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from tests import waiting
from tests.certificates import Authority, serial_of, serial_shown
from tests.e2e.jobs import HEART, Jobs
from tests.e2e.running import RunningFairlead

GRPC_PORTS = (1, 2, 3, 4, 5, 6, 82)


def test_the_job_is_done_by_services_that_show_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    files = authority.give("fairlead")
    environment = {
        "FAIRLEAD_TLS_CERTIFICATE_FILE": str(files.certificate),
        "FAIRLEAD_TLS_KEY_FILE": str(files.key),
        "FAIRLEAD_TLS_CA_FILE": str(files.ca),
        "FAIRLEAD_CONNECTION_AGE_SECONDS": "2",
    }
    home = tmp_path / "home"
    home.mkdir()
    running = RunningFairlead.start(home, environment=environment)
    try:
        with running.client() as client:
            jobs = Jobs(client, tmp_path)
            jobs.trained(HEART)
            serial = serial_of(authority.give("fairlead").certificate.read_bytes())
            jobs.deployed(HEART)
            answer = client.deployments.predict(HEART.id, jobs.rows(HEART, 3))
            assert len(answer["predictions"]) == 3
            assert [each["state"] for each in client.status()["services"]] == ["serving"] * 6
        for offset in GRPC_PORTS:
            port = running.base_port + offset
            waiting.until(lambda port=port: serial_shown(port, files) == serial, "the new one")  # type: ignore[misc]
            plain = grpc.insecure_channel(f"127.0.0.1:{port}")
            with plain, pytest.raises(grpc.RpcError):
                HealthStub(plain).Check(HealthCheckRequest(), timeout=5)
    finally:
        running.stop()
