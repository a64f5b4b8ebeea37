"""A real Prometheus on this machine that finds the pods of a namespace as one in the cluster would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests import waiting
from tests.ports import free_port


@contextmanager
def running_prometheus(folder: Path, namespace: str, token: str) -> Iterator[str]:
    """Yield the URL of a Prometheus that scrapes every pod with a port called metrics, each two seconds."""
    program = shutil.which("prometheus")
    assert program, "prometheus is not installed: scripts/test_servers.sh gets it, as does your system's package"
    port = free_port(0)
    (folder / "prometheus.yml").write_text(json.dumps(_config(namespace, token)))
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
    try:
        waiting.until(lambda: _is_ready(process, url), "Prometheus")
        yield url
    finally:
        process.terminate()
        process.wait()


def _is_ready(process: subprocess.Popen[bytes], url: str) -> bool:
    assert process.poll() is None, "Prometheus has ended"
    try:
        return httpx.get(f"{url}/-/ready").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _config(namespace: str, token: str) -> dict[str, object]:
    port_name, component = "__meta_kubernetes_pod_container_port_name", "app_kubernetes_io_component"
    return {
        "global": {"scrape_interval": "2s"},
        "scrape_configs": [
            {
                "job_name": "fairlead",
                "honor_labels": True,
                "authorization": {"credentials": token},
                "kubernetes_sd_configs": [
                    {
                        "role": "pod",
                        "kubeconfig_file": os.environ["KUBECONFIG"],
                        "namespaces": {"names": [namespace]},
                    }
                ],
                "relabel_configs": [
                    {"source_labels": [port_name], "regex": "metrics", "action": "keep"},
                    {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
                    {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
                    {"source_labels": [f"__meta_kubernetes_pod_label_{component}"], "target_label": "service"},
                ],
            }
        ],
    }
