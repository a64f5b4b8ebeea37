"""A real Prometheus that scrapes every second, and asks its rules as often."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

from tests.servers.prometheus import PrometheusServer

RULES = Path(__file__).resolve().parents[3] / "deploy" / "helm" / "fairlead" / "files" / "rules"
DASHBOARDS = RULES.parent / "dashboards"


class Prometheus(PrometheusServer):
    """One that follows the shipped rules."""

    @classmethod
    def start(cls, folder: Path, targets: Sequence[str], token: str) -> Self:
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
        return cls.launch(folder, config)

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


def _hurried(file: Path) -> str:
    """Return a rule file whose rules are looked at as often as all is scraped here."""
    content = yaml.safe_load(file.read_text())
    for group in content["groups"]:
        group.pop("interval", None)
    return str(yaml.safe_dump(content))
