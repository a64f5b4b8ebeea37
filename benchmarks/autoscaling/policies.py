"""Who decides how many pods there are: what the chart ships, and what one would have without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from .hpa import DEFAULT_DOWN, DEFAULT_UP, Direction, Rule

VALUES = Path(__file__).resolve().parents[2] / "deploy/helm/fairlead/values.yaml"


@dataclass(frozen=True)
class Policy:
    """Bounds, targets and behaviour; without a target the number of pods stays."""

    name: str
    fewest: int
    most: int
    in_flight: float | None = None
    cpu: float | None = None
    requested: float = 1.0
    """Cores that a pod requests, of which its use is told as a share."""
    up: Direction = DEFAULT_UP
    down: Direction = DEFAULT_DOWN

    def but(self, **others: Any) -> Policy:
        """Return the same with some things otherwise."""
        return replace(self, **others)


def shipped() -> Policy:
    """Return what the chart's values say for serving in the mode keda."""
    values = yaml.safe_load(VALUES.read_text())
    scaling = values["autoscaling"]
    serving, behavior = scaling["serving"], scaling["behavior"]
    return Policy(
        "shipped (keda)",
        serving["minReplicas"],
        serving["maxReplicas"],
        serving["inFlight"],
        serving["cpuPercent"] / 100,
        _cores(values["serving"]["resources"]["requests"]["cpu"]),
        _direction(behavior["scaleUp"]),
        _direction(behavior["scaleDown"]),
    )


def on_cpu(fewest: int, most: int, requested: float, percent: int = 80) -> Policy:
    """Return a HorizontalPodAutoscaler on CPU that says nothing else, for pods that request so many cores."""
    return Policy(f"HPA {percent} % of {requested:g} cores", fewest, most, cpu=percent / 100, requested=requested)


def fixed(pods: int, requested: float = 1.0) -> Policy:
    """Return so many pods that request so many cores, always."""
    return Policy(f"{pods} pods, fixed", pods, pods, requested=requested)


def _direction(behavior: dict[str, Any]) -> Direction:
    rules = tuple(Rule(each["type"], each["value"], each["periodSeconds"]) for each in behavior["policies"])
    return Direction(rules, behavior["stabilizationWindowSeconds"], behavior.get("selectPolicy", "Max"))


def _cores(quantity: str | float) -> float:
    """Return the cores of a quantity of Kubernetes, such as 250m."""
    text = str(quantity)
    return float(text.removesuffix("m")) / 1000 if text.endswith("m") else float(text)
