"""Each alert fires when it should and is quiet when it should, by promtool; the promises' rules are fresh."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.data import ROOT
from tests.integration.observability.burn_cases import BURNS
from tests.integration.observability.prometheus import RULES
from tests.integration.observability.rule_cases import CASES, Case
from tests.servers.prometheus import program

FILES = sorted(RULES.glob("*.yaml"))
ALERTS = {
    rule["alert"]: file
    for file in FILES
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


def test_rules_hold_to_prometheus_rules() -> None:
    done = subprocess.run([program("promtool"), "check", "rules", *map(str, FILES)], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}: {case.name}")
def test_an_alert_fires_when_it_should_and_only_then(case: Case, tmp_path: Path) -> None:
    check(
        tmp_path,
        ALERTS[case.alert],
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
            "alert_rule_test": [
                {
                    "eval_time": case.at,
                    "alertname": case.alert,
                    "exp_alerts": [
                        {"exp_labels": labels, "exp_annotations": {"summary": summary}}
                        for labels, summary in case.fires
                    ],
                }
            ],
        },
    )


@pytest.mark.parametrize("test", BURNS, ids=lambda test: test["promql_expr_test"][0]["expr"])
def test_an_error_budget_burns_as_fast_as_things_go_wrong(test: dict[str, Any], tmp_path: Path) -> None:
    check(tmp_path, RULES / "slos.yaml", test)


def test_every_alert_is_tested_to_fire_and_is_explained() -> None:
    explained = (ROOT / "docs" / "how-to" / "observe.md").read_text()

    assert {case.alert for case in CASES if case.fires} == set(ALERTS)
    assert {alert for alert in ALERTS if f"`{alert}`" not in explained} == set()


def test_rules_and_dashboards_are_fresh() -> None:
    check_them = [sys.executable, "-m", "scripts.observability", "--check"]

    done = subprocess.run(check_them, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def check(folder: Path, rules: Path, test: dict[str, Any]) -> None:
    """Run one of promtool's unit tests on the rules of a file."""
    file = folder / "test.yaml"
    content = {"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": [test]}
    file.write_text(yaml.safe_dump(content))
    command = [program("promtool"), "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
