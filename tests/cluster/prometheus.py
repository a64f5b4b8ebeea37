"""A real Prometheus on this machine that is told of a release's pods as they come and go."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests import waiting
from tests.cluster.release import SERVICES, Release
from tests.ports import free_port

SECONDS = 2
METRICS = {service: 7501 + number for number, service in enumerate(SERVICES)}


@contextmanager
def running_prometheus(folder: Path, release: Release) -> Iterator[str]:
    """Yield the URL of a Prometheus that scrapes every service's pods each two seconds."""
    program = shutil.which("prometheus")
    assert program, "prometheus is not installed: scripts/test_servers.sh gets it, as does your system's package"
    port = free_port(0)
    (folder / "prometheus.yml").write_text(json.dumps(_config(folder, release.metrics_token())))
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    ends = threading.Event()
    telling = threading.Thread(target=_tell, args=(folder, release, ends), daemon=True)
    telling.start()
    try:
        waiting.until(lambda: _is_ready(process, url), "Prometheus")
        yield url
    finally:
        ends.set()
        telling.join()
        process.terminate()
        process.wait()


def _tell(folder: Path, release: Release, ends: threading.Event) -> None:
    """Write down where the pods' metrics are, again and again."""
    while not ends.wait(SECONDS):
        targets = [
            {
                "targets": [f"{pod['status']['podIP']}:{METRICS[service]}"],
                "labels": {"namespace": release.namespace, "pod": pod["metadata"]["name"], "service": service},
            }
            for pod in release.objects("pods")
            if (service := pod["metadata"]["labels"].get("app.kubernetes.io/component")) in METRICS
            and "podIP" in pod["status"]
        ]
        part = folder / "targets.part"
        part.write_text(json.dumps(targets))
        part.rename(folder / "targets.json")


def _is_ready(process: subprocess.Popen[bytes], url: str) -> bool:
    assert process.poll() is None, "Prometheus has ended"
    try:
        return httpx.get(f"{url}/-/ready").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _config(folder: Path, token: str) -> dict[str, object]:
    return {
        "global": {"scrape_interval": f"{SECONDS}s"},
        "scrape_configs": [
            {
                "job_name": "fairlead",
                "honor_labels": True,
                "authorization": {"credentials": token},
                "file_sd_configs": [{"files": [f"{folder}/targets.json"], "refresh_interval": f"{SECONDS}s"}],
            }
        ],
    }
