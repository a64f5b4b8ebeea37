"""Logged predictions into windows, reports, alerts, and the memory that feedback is joined with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from fairlead.api.events.v1 import events_pb2

from .adapters import history_store, request_store
from .adapters.prediction_reader import (
    TASKS,
    check_batch,
    read_answers,
    read_inputs,
    read_prediction,
    sampling_rate_of,
)
from .adapters.request_store import Request
from .adapters.version_store import Version
from .adapters.work import Work
from .arms import count_answers
from .convert import monitor_name, to_alert, to_report
from .domain.monitor import Monitor
from .domain.performance import new_performance
from .domain.reference import Reference
from .domain.traffic import Traffic
from .domain.watch import ClosedWindow, observe
from .feedback import join_early, join_shadows
from .repetitions import without_repetitions


def take_predictions(work: Work, batch: events_pb2.PredictionBatch, now: datetime) -> None:
    """Count a batch in. One of an unknown version is skipped; a record that was logged twice is counted once.

    That of a shadow is kept for its truths, and for nothing else.

    Raises InvalidArgument for a batch that contradicts itself; nothing of it is counted then.
    """
    check_batch(batch)
    # First the monitor, which stays locked: a consumer in another process may be at the same deployment's feedback.
    monitor = work.monitor(batch.deployment)
    batch, version = without_repetitions(work, batch), work.version(batch.deployment, batch.model_version)
    if monitor is None or version is None:
        work.outcome.skip("unknown_version")
        return
    if not batch.requests:
        work.outcome.skip("repeated")
        return
    requests = count_answers(work, batch, _requests(batch))
    rows, rate = sum(len(each.answers) for each in requests), sampling_rate_of(batch)
    if batch.shadow:
        # No caller had them: they are no traffic, and only an experiment counts them.
        work.outcome.shadows[batch.deployment] = work.outcome.shadows.get(batch.deployment, 0) + rows
        request_store.add_requests(work.connection, batch.deployment, requests)
        join_shadows(work, batch.deployment, requests)
        return
    version = _ensure_performance(version, batch)
    monitor = replace(
        monitor,
        prediction_count=monitor.prediction_count + rows,
        answered_rows=monitor.answered_rows + rows / rate,
        sampling_rate=rate,
    )
    if version.reference is not None and version.watch is not None:
        traffic = _traffic(batch, version.reference)
        watch, closed = observe(version.reference, version.watch, monitor.policy, traffic)
        version = replace(version, watch=watch)
        for window in closed:
            monitor = _keep(work, monitor, version, window, now)
    counted = work.outcome.predictions
    counted[batch.deployment] = counted.get(batch.deployment, 0) + rows
    request_store.add_requests(work.connection, batch.deployment, requests)
    work.change(monitor)
    work.change_version(version)
    join_early(work, batch.deployment, requests)


def _keep(work: Work, monitor: Monitor, version: Version, window: ClosedWindow, now: datetime) -> Monitor:
    """Store a closed window's report and its alert, if any; return the monitor with both counted."""
    number = monitor.window_count + 1
    # The time makes the id unlike those of an earlier monitor of the same name.
    identity = f"{window.end.astimezone(UTC):%Y%m%dt%H%M%S}-{number}"
    report = to_report(f"{monitor_name(monitor.deployment)}/reports/report-{identity}", window)
    history_store.add_report(work.connection, monitor.deployment, report.SerializeToString())
    work.outcome.windows.append((monitor.deployment, window))
    if window.alert is not None:
        name = f"{monitor_name(monitor.deployment)}/alerts/alert-{identity}"
        alert = to_alert(name, monitor.deployment, version.model_version, report.name, window, now)
        history_store.add_alert(work.connection, monitor.deployment, alert.SerializeToString())
        monitor = replace(monitor, alert_count=monitor.alert_count + 1)
    if version.model_version == monitor.model_version:
        monitor = replace(monitor, severity=window.verdict.severity)
        work.outcome.newest[monitor.deployment] = report
    return replace(monitor, window_count=number, last_window_time=window.end)


def _traffic(batch: events_pb2.PredictionBatch, reference: Reference) -> Traffic:
    return Traffic(
        read_inputs(batch, reference),
        read_prediction(batch, reference),
        np.cumsum([request.row_count for request in batch.requests]),
        [request.time.ToDatetime(tzinfo=UTC) for request in batch.requests],
    )


def _requests(batch: events_pb2.PredictionBatch) -> list[Request]:
    """Return each request with its answers."""
    answers, requests, start = read_answers(batch), [], 0
    for each in batch.requests:
        part, time_ns = tuple(answers[start : start + each.row_count]), each.time.ToNanoseconds()
        requests.append(
            Request(each.request_id, batch.model_version, time_ns, part, {}, each.first_row, shadow=batch.shadow)
        )
        start += each.row_count
    return requests


def _ensure_performance(version: Version, batch: events_pb2.PredictionBatch) -> Version:
    task = TASKS.get(batch.task_type)
    if version.performance is not None or task is None:
        return version
    return replace(version, performance=new_performance(task, batch.classes))
