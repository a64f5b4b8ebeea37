"""A real Prometheus on this machine that is told of a release's pods as they come and go."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.release import SERVICES, Release
from tests.servers.prometheus import PrometheusServer

SECONDS = 2
METRICS = {service: 7501 + number for number, service in enumerate(SERVICES)}


@contextmanager
def running_prometheus(folder: Path, release: Release) -> Iterator[str]:
    """Yield the URL of a Prometheus that scrapes every service's pods each two seconds."""
    prometheus = PrometheusServer.launch(folder, _config(folder, release.metrics_token()))
    ends = threading.Event()
    telling = threading.Thread(target=_tell, args=(folder, release, ends), daemon=True)
    telling.start()
    try:
        yield prometheus.url
    finally:
        ends.set()
        telling.join()
        prometheus.stop()


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
