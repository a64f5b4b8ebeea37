"""A real Prometheus, a process of this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from tests.ports import free_port
from tests.waiting import until


def program(name: str) -> str:
    """Return where prometheus or promtool is."""
    found = shutil.which(name)
    assert found, f"{name} is not installed: scripts/test_servers.sh gets it, as does your system's package prometheus"
    return found


@dataclass
class PrometheusServer:
    """A running Prometheus and its address."""

    process: subprocess.Popen[bytes]
    url: str

    @classmethod
    def launch(cls, folder: Path, config: Mapping[str, Any]) -> Self:
        """Start one that keeps all it has in the folder, and return once it answers."""
        (folder / "prometheus.yml").write_text(json.dumps(config))
        port = free_port(0)
        with (folder / "prometheus.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    program("prometheus"),
                    f"--config.file={folder}/prometheus.yml",
                    f"--storage.tsdb.path={folder}/data",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        prometheus = cls(process, f"http://127.0.0.1:{port}")
        until(prometheus.is_ready, "Prometheus")
        return prometheus

    def is_ready(self) -> bool:
        """Return whether it answers."""
        assert self.process.poll() is None, "Prometheus has ended"
        try:
            return httpx.get(f"{self.url}/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(30)
