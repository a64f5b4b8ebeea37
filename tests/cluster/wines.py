"""Predictions by the model that `helm test` trains: how good a wine is."""

from __future__ import annotations

import csv
import itertools

from tests import waiting
from tests.cluster.release import CHART, Release
from tests.cluster.traffic import Traffic

DEPLOYMENTS = "/api/v1/projects/helm-test/deployments"
MORE = tuple(f"wine-{number}" for number in range(8))


def gateway_url(release: Release) -> str:
    """Return where the REST API is."""
    return f"http://{release.address('gateway', 7400)}"


def traffic(release: Release) -> Traffic:
    """Return callers with one red wine at a time, by the deployment that `helm test` made."""
    return Traffic(gateway_url(release), release.token(), [f"{DEPLOYMENTS}/wine:predict"], _wines(1))


def traffic_of_many(release: Release, *, callers: int, pause: float) -> Traffic:
    """Return callers with some hundred wines at a time, by one deployment after the other."""
    paths = [f"{DEPLOYMENTS}/{name}:predict" for name in MORE]
    return Traffic(gateway_url(release), release.token(), paths, _wines(300), callers=callers, pause=pause)


def settle(calls: Traffic) -> None:
    """Wait for calls that were begun after what happened."""
    before = calls.answered + len(calls.first_failures)
    waiting.until(lambda: calls.answered + len(calls.first_failures) > before + 100, "further calls")


def _wines(count: int) -> list[dict[str, float]]:
    with (CHART / "files" / "test" / "red.csv").open(newline="") as lines:
        first = itertools.islice(csv.DictReader(lines, delimiter=";"), count)
        return [{name: float(value) for name, value in wine.items() if name != "quality"} for wine in first]
