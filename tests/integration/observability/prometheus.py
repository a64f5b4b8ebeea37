"""A real Prometheus that scrapes every second, and asks its rules as often."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.ports import free_port
from tests.waiting import until

RULES = Path(__file__).resolve().parents[3] / "deploy" / "helm" / "fairlead" / "files" / "rules"
DASHBOARDS = RULES.parent / "dashboards"


def program(name: str) -> str:
    """Return where prometheus or promtool is."""
    found = shutil.which(name)
    assert found, f"{name} is not installed: scripts/test_servers.sh gets it, as does your system's package prometheus"
    return found


@dataclass
class Prometheus:
    """A running Prometheus and its address."""

    process: subprocess.Popen[bytes]
    url: str

    @classmethod
    def start(cls, folder: Path, targets: Sequence[str], token: str) -> Prometheus:
        """Scrape the targets (host:port) with a token."""
        (folder / "rules").mkdir()
        for file in RULES.glob("*.yaml"):
            (folder / "rules" / file.name).write_text(_hurried(file))
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [f"{folder}/rules/*.yaml"],
            "scrape_configs": [
                {
                    "job_name": "fairlead",
                    "authorization": {"credentials": token},
                    "static_configs": [{"targets": list(targets)}],
                }
            ],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config))
        port = free_port(0)
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=(folder / "prometheus.log").open("wb"),
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

    def ask(self, expr: str) -> list[dict[str, Any]]:
        """Return the result of an expression now, those without a number left out."""
        answer = httpx.post(f"{self.url}/api/v1/query", data={"query": expr}).json()
        assert answer["status"] == "success", f"{expr}: {answer}"
        return [each for each in answer["data"]["result"] if not math.isnan(float(each["value"][1]))]

    def names(self) -> set[str]:
        """Return the name of every series there is."""
        return set(httpx.get(f"{self.url}/api/v1/label/__name__/values").json()["data"])

    def rules(self) -> list[dict[str, Any]]:
        """Return the rules that it follows."""
        groups = httpx.get(f"{self.url}/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(30)


def _hurried(file: Path) -> str:
    """Return a rule file whose rules are looked at as often as all is scraped here."""
    content = yaml.safe_load(file.read_text())
    for group in content["groups"]:
        group.pop("interval", None)
    return str(yaml.safe_dump(content))
