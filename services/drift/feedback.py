"""The truth, joined with the predictions by request id and row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fairlead.api.events.v1 import events_pb2

from .adapters import request_store
from .adapters.request_store import EarlyTruth, Request
from .adapters.work import Work
from .arms import count_truth, has_shadows
from .domain.performance import joined


def take_feedback(work: Work, batch: events_pb2.FeedbackBatch, early_kept: int) -> None:
    """Count truths in. One that comes before its prediction waits for it; one that comes again replaces the former.

    So does one of a row beyond those that came: a later part of the request may bring it.
    """
    if work.monitor(batch.deployment) is None:
        work.outcome.skip("feedback_without_monitor", len(batch.feedbacks))
        return
    for feedback in batch.feedbacks:
        truth = EarlyTruth(feedback.request_id, feedback.row, feedback.value)
        if truth.row < 0:
            work.outcome.skip("feedback_row_out_of_range")
            continue
        place = batch.deployment, truth.request_id, truth.row
        request = request_store.find_request(work.connection, *place)
        if request is None:
            request_store.add_early_truth(work.connection, batch.deployment, truth, early_kept)
        else:
            _join(work, batch.deployment, request, truth)
        if has_shadows(work, batch.deployment):
            for shadow in request_store.find_shadows(work.connection, *place):
                _join_shadow(work, batch.deployment, shadow, truth)


def join_early(work: Work, deployment: str, requests: Sequence[Request]) -> None:
    """Join the truths that waited for these requests."""
    for truth in request_store.take_early_truths(work.connection, deployment, requests):
        request = request_store.find_request(work.connection, deployment, truth.request_id, truth.row)
        if request is not None:
            _join(work, deployment, request, truth)


def join_shadows(work: Work, deployment: str, requests: Sequence[Request]) -> None:
    """Join the truths that came before a shadow's predictions: of answered requests, or of those still to come."""
    ids = {request.request_id for request in requests}
    known = request_store.answered_truths(work.connection, deployment, ids)
    truths = [EarlyTruth(request_id, row, value) for request_id in known for row, value in known[request_id].items()]
    truths += request_store.early_truths(work.connection, deployment, requests)
    for truth in truths:
        for shadow in request_store.find_shadows(work.connection, deployment, truth.request_id, truth.row):
            _join_shadow(work, deployment, shadow, truth)


def _join_shadow(work: Work, deployment: str, request: Request, truth: EarlyTruth) -> None:
    """Count a truth of a shadow's prediction in; for the experiment alone."""
    former = request.truths.get(truth.row)
    if former == truth.value:
        return
    try:
        request = count_truth(work, deployment, request, truth.row, truth.value, former)
    except ValueError:
        work.outcome.skip("shadow_feedback_unreadable")
        return
    request_store.set_truths(work.connection, replace(request, truths=request.truths | {truth.row: truth.value}))


def _join(work: Work, deployment: str, request: Request, truth: EarlyTruth) -> None:
    monitor = work.monitor(deployment)
    version = work.version(deployment, request.model_version)
    if monitor is None or version is None or version.performance is None:
        work.outcome.skip("feedback_without_version")
        return
    answer, former = request.answers[truth.row - request.first_row], request.truths.get(truth.row)
    if former == truth.value:
        return
    try:
        performance = joined(version.performance, answer, truth.value)
        if former is not None:
            performance = joined(performance, answer, former, weight=-1)
        request = count_truth(work, deployment, request, truth.row, truth.value, former)
    except ValueError:
        work.outcome.skip("feedback_unreadable")
        return
    request_store.set_truths(work.connection, replace(request, truths=request.truths | {truth.row: truth.value}))
    work.change_version(replace(version, performance=performance))
    if former is None:
        work.change(replace(monitor, feedback_count=monitor.feedback_count + 1))
        work.outcome.feedbacks[deployment] = work.outcome.feedbacks.get(deployment, 0) + 1
