"""The Prometheus of deploy/compose.yaml: promtool takes its configuration, and finds the rules that are shipped."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.data import ROOT
from tests.integration.observability.prometheus import RULES
from tests.servers.prometheus import program

CONFIG = ROOT / "deploy" / "compose" / "prometheus.yml"


def test_its_configuration_and_all_rules_that_it_names_are_taken(tmp_path: Path) -> None:
    token = tmp_path / "metrics-token"
    token.write_text("secret")
    # Where they are here, instead of where Compose mounts them.
    told = CONFIG.read_text()
    for mounted, here in (("/etc/prometheus/rules", RULES), ("/run/secrets/metrics-token", token)):
        assert told.count(mounted) == 1
        told = told.replace(mounted, str(here))
    (tmp_path / "prometheus.yml").write_text(told)

    done = subprocess.run(
        [program("promtool"), "check", "config", str(tmp_path / "prometheus.yml")], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    checked = re.findall(r"Checking (\S+\.yaml)\n\s+SUCCESS", done.stdout)
    assert sorted(checked) == sorted(map(str, RULES.glob("*.yaml")))
