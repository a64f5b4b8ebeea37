"""Following traffic: windows fill, close, are judged, and enough bad ones make an alert."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from .alerting import condition, next_alerted
from .judge import Verdict, judge
from .policy import MOST_WINDOWS, Policy
from .reference import Reference
from .severity import Severity
from .traffic import Traffic
from .window import Window, empty_window, sketch_rows


@dataclass(frozen=True)
class Watch:
    """What is known of one model version's traffic: the open window, the last grades, and what is alerted."""

    window: Window
    window_start: datetime | None = None
    # Newest last.
    recent: tuple[Severity, ...] = ()
    alerted: Severity = Severity.OK


@dataclass(frozen=True)
class ClosedWindow:
    """A judged window; `alert` is the grade to raise an alert at, or None."""

    rows: int
    start: datetime
    end: datetime
    verdict: Verdict
    alert: Severity | None


def new_watch(reference: Reference) -> Watch:
    """Return the watch over a version that has not predicted yet."""
    return Watch(empty_window(reference))


def observe(
    reference: Reference, watch: Watch, policy: Policy, traffic: Traffic
) -> tuple[Watch, tuple[ClosedWindow, ...]]:
    """Return the watch after the traffic, and the windows that it closed, oldest first.

    A window closes at exactly the policy's rows, in the middle of a request if need be.
    """
    closed: list[ClosedWindow] = []
    row = 0
    while row < traffic.rows:
        stop = min(traffic.rows, row + max(policy.window_rows - watch.window.rows, 1))
        part = sketch_rows(reference, *traffic.columns(row, stop), stop - row)
        start = watch.window_start or traffic.time_of(row)
        watch = replace(watch, window=watch.window.merge(part), window_start=start)
        if watch.window.rows >= policy.window_rows:
            watch, window = _close(reference, watch, policy, start, traffic.time_of(stop - 1))
            closed.append(window)
        row = stop
    return watch, tuple(closed)


def _close(
    reference: Reference, watch: Watch, policy: Policy, start: datetime, end: datetime
) -> tuple[Watch, ClosedWindow]:
    verdict = judge(reference, watch.window, policy)
    recent = (*watch.recent, verdict.severity)[-MOST_WINDOWS:]
    alerted, raised = next_alerted(watch.alerted, condition(recent, policy), verdict.severity)
    window = ClosedWindow(watch.window.rows, start, end, verdict, alerted if raised else None)
    return Watch(empty_window(reference), None, recent, alerted), window
