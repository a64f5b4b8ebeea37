"""Recent predictions, by request, so that feedback finds them; and feedback that came before its prediction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, delete, func, insert, select, update

from ..domain.performance import Answer
from .tables import EARLY_TRUTHS, REQUESTS

_CHUNK = 500


@dataclass(frozen=True)
class Request:
    """One logged request: its answers by row, and the truths that came back so far, by row."""

    request_id: str
    model_version: str
    time_ns: int
    answers: tuple[Answer, ...]
    truths: dict[int, str]
    sequence: int = 0


@dataclass(frozen=True)
class EarlyTruth:
    """The truth of a row whose prediction has not come."""

    request_id: str
    row: int
    value: str


def add_requests(connection: Connection, deployment: str, requests: Sequence[Request]) -> None:
    """Keep requests."""
    if requests:
        rows = [{"deployment": deployment, **_values(request)} for request in requests]
        connection.execute(insert(REQUESTS), rows)


def find_request(connection: Connection, deployment: str, request_id: str) -> Request | None:
    """Return the newest request of this id, or None."""
    query = select(REQUESTS).where(REQUESTS.c.deployment == deployment, REQUESTS.c.request_id == request_id)
    row = connection.execute(query.order_by(REQUESTS.c.sequence.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    answers = tuple(Answer(label, value) for label, value in json.loads(row.answers))
    truths = {int(number): value for number, value in json.loads(row.truths).items()}
    return Request(row.request_id, row.model_version, row.time_ns, answers, truths, row.sequence)


def seen_requests(connection: Connection, deployment: str, ids: Iterable[str]) -> set[tuple[str, int]]:
    """Return (id, time) of the kept requests that have one of these ids."""
    found: set[tuple[str, int]] = set()
    for chunk in _chunks(ids):
        query = select(REQUESTS.c.request_id, REQUESTS.c.time_ns).where(
            REQUESTS.c.deployment == deployment, REQUESTS.c.request_id.in_(chunk)
        )
        found.update((row.request_id, row.time_ns) for row in connection.execute(query))
    return found


def set_truths(connection: Connection, request: Request) -> None:
    """Keep a request's truths."""
    changed = update(REQUESTS).where(REQUESTS.c.sequence == request.sequence)
    connection.execute(changed.values(truths=json.dumps(request.truths)))


def trim_requests(connection: Connection, deployment: str, keep_rows: int) -> None:
    """Forget a deployment's oldest requests beyond `keep_rows` predicted rows."""
    total = func.sum(REQUESTS.c.row_count).over(order_by=REQUESTS.c.sequence.desc()).label("total")
    newest = select(REQUESTS.c.sequence, total).where(REQUESTS.c.deployment == deployment).subquery()
    last = select(func.max(newest.c.sequence)).where(newest.c.total > keep_rows).scalar_subquery()
    connection.execute(delete(REQUESTS).where(REQUESTS.c.deployment == deployment, REQUESTS.c.sequence <= last))


def add_early_truth(connection: Connection, deployment: str, truth: EarlyTruth, keep: int) -> None:
    """Keep a truth until its prediction comes; of each deployment the newest `keep`."""
    connection.execute(
        insert(EARLY_TRUTHS).values(
            deployment=deployment, request_id=truth.request_id, row=truth.row, value=truth.value
        )
    )
    newest = select(EARLY_TRUTHS.c.sequence).where(EARLY_TRUTHS.c.deployment == deployment)
    oldest_kept = newest.order_by(EARLY_TRUTHS.c.sequence.desc()).offset(keep - 1).limit(1).scalar_subquery()
    connection.execute(
        delete(EARLY_TRUTHS).where(EARLY_TRUTHS.c.deployment == deployment, EARLY_TRUTHS.c.sequence < oldest_kept)
    )


def take_early_truths(connection: Connection, deployment: str, ids: Iterable[str]) -> list[EarlyTruth]:
    """Return the truths that came before these requests, in the order they came, and forget them."""
    waiting = select(EARLY_TRUTHS.c.sequence).where(EARLY_TRUTHS.c.deployment == deployment).limit(1)
    if connection.execute(waiting).first() is None:
        return []
    found: list[EarlyTruth] = []
    for chunk in _chunks(ids):
        of_these = (EARLY_TRUTHS.c.deployment == deployment) & EARLY_TRUTHS.c.request_id.in_(chunk)
        rows = connection.execute(select(EARLY_TRUTHS).where(of_these).order_by(EARLY_TRUTHS.c.sequence)).all()
        found += [EarlyTruth(row.request_id, row.row, row.value) for row in rows]
        if rows:
            connection.execute(delete(EARLY_TRUTHS).where(of_these))
    return found


def _values(request: Request) -> dict[str, object]:
    return {
        "request_id": request.request_id,
        "model_version": request.model_version,
        "time_ns": request.time_ns,
        "row_count": len(request.answers),
        "answers": json.dumps([(answer.label, answer.value) for answer in request.answers]),
        "truths": json.dumps(request.truths),
    }


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(dict.fromkeys(ids))
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk
