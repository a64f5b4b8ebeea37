"""Watches and performances as JSON, so that they can lie in a row. Floats come back exactly as they were."""

from __future__ import annotations

import json
from dataclasses import astuple
from datetime import datetime
from typing import Any

import numpy as np

from ..domain.experiments.arm import Arm, RequestLosses
from ..domain.experiments.tally import RequestLoss, Tally
from ..domain.performance import Performance, Task
from ..domain.severity import Severity
from ..domain.watch import Watch
from ..domain.window import CategorySketch, NumberSketch, Sketch, Window


def dump_watch(watch: Watch) -> str:
    """Return a watch as JSON."""
    return json.dumps(
        {
            "rows": watch.window.rows,
            "sketches": [_dump_sketch(sketch) for sketch in watch.window.sketches],
            "window_start": watch.window_start.isoformat() if watch.window_start else None,
            "recent": [int(severity) for severity in watch.recent],
            "alerted": int(watch.alerted),
        }
    )


def load_watch(text: str) -> Watch:
    """Return the watch that dump_watch was given."""
    state = json.loads(text)
    start = state["window_start"]
    return Watch(
        Window(state["rows"], tuple(_load_sketch(sketch) for sketch in state["sketches"])),
        datetime.fromisoformat(start) if start else None,
        tuple(Severity(severity) for severity in state["recent"]),
        Severity(state["alerted"]),
    )


def dump_performance(performance: Performance | None) -> str:
    """Return a performance as JSON; "" for none yet."""
    if performance is None:
        return ""
    return json.dumps([performance.task.value, performance.classes, performance.sums.tolist()])


def load_performance(text: str) -> Performance | None:
    """Return the performance that dump_performance was given."""
    if not text:
        return None
    task, classes, sums = json.loads(text)
    return Performance(Task(task), tuple(classes), np.array(sums, dtype=np.float64))


def dump_arm(arm: Arm) -> str:
    """Return an arm's sums as JSON."""
    return json.dumps(
        {
            "performance": dump_performance(arm.performance),
            "requests": arm.request_count,
            "rows": arm.row_count,
            "answered_rows": arm.answered_rows,
            "tallies": [astuple(tally) for tally in arm.tallies],
        }
    )


def load_arm(text: str) -> Arm:
    """Return the arm that dump_arm was given."""
    state = json.loads(text)
    performance = load_performance(state["performance"])
    if performance is None:
        raise ValueError("an arm was stored without what it predicts")
    tallies = tuple(Tally(*tally[:3], *map(tuple, tally[3:])) for tally in state["tallies"])
    return Arm(performance, tallies, state["requests"], state["rows"], state["answered_rows"])


def dump_losses(losses: RequestLosses) -> str:
    """Return a request's losses as JSON; "" for none."""
    return json.dumps([[each.rows, each.total] for each in losses]) if losses else ""


def load_losses(text: str) -> RequestLosses:
    """Return the losses that dump_losses was given."""
    return tuple(RequestLoss(rows, tuple(total)) for rows, total in json.loads(text)) if text else ()


def _dump_sketch(sketch: Sketch) -> dict[str, Any]:
    if isinstance(sketch, CategorySketch):
        return {
            "missing": sketch.missing,
            "counts": sketch.counts.tolist(),
            "other": sketch.other,
            "other_names": dict(sketch.other_names),
        }
    moments = [sketch.minimum, sketch.maximum, sketch.mean, sketch.squares]
    return {
        "missing": sketch.missing,
        "bin_counts": sketch.bin_counts.tolist(),
        "bin_sums": sketch.bin_sums.tolist(),
        "moments": moments,
    }


def _load_sketch(state: dict[str, Any]) -> Sketch:
    if "counts" in state:
        counts = np.array(state["counts"], dtype=np.int64)
        return CategorySketch(state["missing"], counts, state["other"], state["other_names"])
    return NumberSketch(
        state["missing"],
        np.array(state["bin_counts"], dtype=np.int64),
        np.array(state["bin_sums"], dtype=np.float64),
        *state["moments"],
    )
