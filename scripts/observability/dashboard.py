"""What a Grafana dashboard is made of, and how it becomes Grafana's JSON (dashboard schema 39)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
HEIGHT = 8
EVERY = ".*"

NAMESPACE = 'namespace=~"$namespace"'
"""Belongs into each selector; fits what has no namespace, too."""
DEPLOYMENT = f'{NAMESPACE}, deployment=~"$deployment"'
RATE = "$__rate_interval"


@dataclass(frozen=True)
class Query:
    """A PromQL expression, and what its lines are called."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """One chart; the description says what its reader should know or do."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: Literal["timeseries", "stat", "gauge", "bargauge"] = "timeseries"
    width: int = 8
    limits: tuple[float, ...] = ()
    """From here on it is yellow, then red; falling limits: below here."""


@dataclass(frozen=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """A page; by_deployment lets its reader choose deployments."""

    name: str
    title: str
    description: str
    rows: tuple[Row, ...]
    by_deployment: str = ""
    """The metric whose label `deployment` is chosen from; empty where there is nothing to choose."""


def grown(counter: str, window: str) -> str:
    """Return by how much a counter has grown that counts what is rare: one that is new has grown by all it counts."""
    return f"(({counter} unless {counter} offset {window}) or increase({counter}[{window}]))"


def panel(title: str, description: str, unit: str, *queries: tuple[str, str], **options: Any) -> Panel:
    """Return a panel of (expression, legend) pairs."""
    return Panel(title, description, unit, tuple(Query(*query) for query in queries), **options)


def grafana(dashboard: Dashboard) -> dict[str, Any]:
    """Return a dashboard as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in dashboard.rows:
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
                "panels": [],
            }
        )
        y += 1
        places, y = _places([each.width for each in row.panels], y)
        for each, place in zip(row.panels, places, strict=True):
            panels.append(_panel(each, len(panels) + 1, place))
    return {
        "uid": f"fairlead-{dashboard.name}",
        "title": f"Fairlead / {dashboard.title}",
        "description": dashboard.description,
        "tags": ["fairlead"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "links": [
            {"type": "dashboards", "title": "Fairlead", "tags": ["fairlead"], "asDropdown": True, "keepTime": True}
        ],
        "templating": {"list": _variables(dashboard)},
        "panels": panels,
    }


def _places(widths: Sequence[int], y: int) -> tuple[list[dict[str, int]], int]:
    """Return where panels of these widths stand, and where what is below them begins."""
    places, x = [], 0
    for width in widths:
        if x + width > COLUMNS:
            x, y = 0, y + HEIGHT
        places.append({"x": x, "y": y, "w": width, "h": HEIGHT})
        x += width
    return places, y + HEIGHT


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    charted = panel.kind == "timeseries"
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, **_colours(panel.limits)},
            "overrides": [],
        },
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
        if charted
        else {"reduceOptions": {"calcs": ["lastNotNull"]}},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend,
                "range": charted,
                "instant": not charted,
            }
            for index, query in enumerate(panel.queries)
        ],
    }


def _colours(limits: tuple[float, ...]) -> dict[str, Any]:
    if not limits:
        return {}
    falling = list(limits) != sorted(limits)
    colours = ["red", "yellow", "green"] if falling else ["green", "yellow", "red"]
    bounds: list[float | None] = [None, *sorted(limits)]
    steps = [{"color": colour, "value": bound} for colour, bound in zip(colours, bounds, strict=True)]
    return {"color": {"mode": "thresholds"}, "thresholds": {"mode": "absolute", "steps": steps}}


def _variables(dashboard: Dashboard) -> list[dict[str, Any]]:
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0}
    found = [source, _choice("namespace", "Namespace", "label_values(fairlead_info, namespace)")]
    if metric := dashboard.by_deployment:
        values = f"label_values({metric}{{{NAMESPACE}}}, deployment)"
        found.append(_choice("deployment", "Deployment", values))
    return found


def _choice(name: str, label: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": EVERY,
        "current": {"text": "All", "value": "$__all"},
    }
