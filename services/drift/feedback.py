"""The truth, joined with the predictions by request id and row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fairlead.api.events.v1 import events_pb2

from .adapters import request_store
from .adapters.request_store import EarlyTruth, Request
from .adapters.version_store import Version
from .adapters.work import Work
from .arms import count_truth, has_shadows
from .domain.performance import Answer, joined

# Requests that are held in memory at once; each may have thousands of rows.
REQUESTS_AT_ONCE = 50


def take_feedback(work: Work, batch: events_pb2.FeedbackBatch, early_kept: int) -> None:
    """Count truths in. One that comes before its prediction waits for it; one that comes again replaces the former.

    So does one of a row beyond those that came: a later part of the request may bring it.
    """
    if work.monitor(batch.deployment) is None:
        work.outcome.skip("feedback_without_monitor", len(batch.feedbacks))
        return
    truths = [EarlyTruth(feedback.request_id, feedback.row, feedback.value) for feedback in batch.feedbacks]
    rows = [truth for truth in truths if truth.row >= 0]
    if len(rows) < len(truths):
        work.outcome.skip("feedback_row_out_of_range", len(truths) - len(rows))
    early = _join(work, batch.deployment, rows)
    request_store.add_early_truths(work.connection, batch.deployment, early, early_kept)
    if has_shadows(work, batch.deployment):
        _join(work, batch.deployment, rows, shadows=True)


def join_early(work: Work, deployment: str, requests: Sequence[Request]) -> None:
    """Join the truths that waited for these requests."""
    _join(work, deployment, request_store.take_early_truths(work.connection, deployment, requests))


def join_shadows(work: Work, deployment: str, requests: Sequence[Request]) -> None:
    """Join the truths that came before a shadow's predictions: of answered requests, or of those still to come."""
    ids = {request.request_id for request in requests}
    known = request_store.answered_truths(work.connection, deployment, ids)
    truths = [EarlyTruth(request_id, row, value) for request_id in known for row, value in known[request_id].items()]
    truths += request_store.early_truths(work.connection, deployment, requests)
    _join(work, deployment, truths, shadows=True)


def _join(work: Work, deployment: str, truths: Sequence[EarlyTruth], *, shadows: bool = False) -> list[EarlyTruth]:
    """Join truths, in order, with the answers, or with what shadows predicted; return those whose row is not there."""
    absent = []
    for some in _of_few_requests(truths):
        ids = {truth.request_id for truth in some}
        parts = request_store.newest_parts(work.connection, deployment, ids, shadows=shadows)
        changed: dict[int, Request] = {}
        for truth in some:
            there = [changed.get(part.sequence, part) for part in parts.get(truth.request_id, ())]
            mine = _with_row(there, truth.row)
            for part in mine:
                for after in _told(work, deployment, _first_of(there, part), part, truth):
                    changed[after.sequence] = after
            if not mine:
                absent.append(truth)
        request_store.set_truths(work.connection, list(changed.values()))
    return absent


def _with_row(parts: Sequence[Request], row: int) -> list[Request]:
    """Return the part that has the row: the newest one, and of shadows the newest of each version."""
    found = {part.model_version if part.shadow else "": part for part in parts if row in part.rows}
    return list(found.values())


def _first_of(parts: Sequence[Request], part: Request) -> Request:
    """Return the part of the same request that came first, which has the losses of them all."""
    return next(each for each in parts if each.model_version == part.model_version)


def _told(work: Work, deployment: str, first: Request, part: Request, truth: EarlyTruth) -> Sequence[Request]:
    """Count a truth in and return the parts that it changed; none where it is known or can't be used.

    The part has the truth's row; `first` is the part that came first of the same request, may be the same.
    """
    former = part.truths.get(truth.row)
    if former == truth.value:
        return ()
    version = None if part.shadow else work.version(deployment, part.model_version)
    if not part.shadow and (version is None or version.performance is None):
        work.outcome.skip("feedback_without_version")
        return ()
    answer = part.answers[truth.row - part.first_row]
    try:
        version = version and _with_truth(version, answer, truth.value, former)
        first = count_truth(work, deployment, first, answer, truth.value, former)
    except ValueError:
        work.outcome.skip("shadow_feedback_unreadable" if part.shadow else "feedback_unreadable")
        return ()
    if version is not None:
        work.change_version(version)
        if former is None:
            _count(work, deployment)
    truths = part.truths | {truth.row: truth.value}
    if first.sequence == part.sequence:
        return (replace(first, truths=truths),)
    return first, replace(part, truths=truths)


def _with_truth(version: Version, answer: Answer, truth: str, former: str | None) -> Version:
    """Return the version with a truth in its performance, instead of a former one if any. Raises ValueError."""
    assert version.performance is not None
    performance = joined(version.performance, answer, truth)
    if former is not None:
        performance = joined(performance, answer, former, weight=-1)
    return replace(version, performance=performance)


def _count(work: Work, deployment: str) -> None:
    monitor = work.monitor(deployment)
    assert monitor is not None
    work.change(replace(monitor, feedback_count=monitor.feedback_count + 1))
    work.outcome.feedbacks[deployment] = work.outcome.feedbacks.get(deployment, 0) + 1


def _of_few_requests(truths: Sequence[EarlyTruth]) -> Iterator[list[EarlyTruth]]:
    """Return the truths in order, in lists of at most REQUESTS_AT_ONCE requests."""
    some: list[EarlyTruth] = []
    ids: set[str] = set()
    for truth in truths:
        if truth.request_id not in ids and len(ids) == REQUESTS_AT_ONCE:
            yield some
            some, ids = [], set()
        some.append(truth)
        ids.add(truth.request_id)
    if some:
        yield some
