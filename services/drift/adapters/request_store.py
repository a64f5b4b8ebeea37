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
    """One logged request, or a part of a large one: the answers from first_row on, and the truths by row so far."""

    request_id: str
    model_version: str
    time_ns: int
    answers: tuple[Answer, ...]
    truths: dict[int, str]
    first_row: int = 0
    sequence: int = 0

    @property
    def rows(self) -> range:
        """Return the rows of the request that are here."""
        return range(self.first_row, self.first_row + len(self.answers))


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


def find_request(connection: Connection, deployment: str, request_id: str, row: int) -> Request | None:
    """Return the part that has this row of the newest request of this id, or None."""
    of_id = (REQUESTS.c.deployment == deployment) & (REQUESTS.c.request_id == request_id)
    newest = select(REQUESTS.c.time_ns).where(of_id).order_by(REQUESTS.c.sequence.desc()).limit(1).scalar_subquery()
    here = (REQUESTS.c.first_row <= row) & (REQUESTS.c.row_count > row - REQUESTS.c.first_row)
    query = select(REQUESTS).where(of_id, REQUESTS.c.time_ns == newest, here)
    found = connection.execute(query.order_by(REQUESTS.c.sequence.desc()).limit(1)).one_or_none()
    if found is None:
        return None
    answers = tuple(Answer(label, value) for label, value in json.loads(found.answers))
    truths = {int(number): value for number, value in json.loads(found.truths).items()}
    return Request(
        found.request_id, found.model_version, found.time_ns, answers, truths, found.first_row, found.sequence
    )


def seen_rows(connection: Connection, deployment: str, ids: Iterable[str]) -> dict[tuple[str, int], list[range]]:
    """Return which rows of requests that have one of these ids are kept, by (id, time)."""
    found: dict[tuple[str, int], list[range]] = {}
    columns = (REQUESTS.c.request_id, REQUESTS.c.time_ns, REQUESTS.c.first_row, REQUESTS.c.row_count)
    for chunk in _chunks(ids):
        query = select(*columns).where(REQUESTS.c.deployment == deployment, REQUESTS.c.request_id.in_(chunk))
        for request_id, time_ns, first, count in connection.execute(query):
            found.setdefault((request_id, time_ns), []).append(range(first, first + count))
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


def take_early_truths(connection: Connection, deployment: str, requests: Sequence[Request]) -> list[EarlyTruth]:
    """Return the truths that came before these rows, in the order they came, and forget them."""
    waiting = select(EARLY_TRUTHS.c.sequence).where(EARLY_TRUTHS.c.deployment == deployment).limit(1)
    if connection.execute(waiting).first() is None:
        return []
    rows_of: dict[str, list[range]] = {}
    for request in requests:
        rows_of.setdefault(request.request_id, []).append(request.rows)
    found: list[EarlyTruth] = []
    for chunk in _chunks(rows_of):
        of_these = (EARLY_TRUTHS.c.deployment == deployment) & EARLY_TRUTHS.c.request_id.in_(chunk)
        rows = connection.execute(select(EARLY_TRUTHS).where(of_these).order_by(EARLY_TRUTHS.c.sequence)).all()
        # Those of rows that come with a later part wait on.
        come = [row for row in rows if any(row.row in part for part in rows_of[row.request_id])]
        found += [EarlyTruth(row.request_id, row.row, row.value) for row in come]
        if come:
            connection.execute(delete(EARLY_TRUTHS).where(EARLY_TRUTHS.c.sequence.in_([row.sequence for row in come])))
    return found


def _values(request: Request) -> dict[str, object]:
    return {
        "request_id": request.request_id,
        "model_version": request.model_version,
        "time_ns": request.time_ns,
        "first_row": request.first_row,
        "row_count": len(request.answers),
        "answers": json.dumps([(answer.label, answer.value) for answer in request.answers]),
        "truths": json.dumps(request.truths),
    }


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(dict.fromkeys(ids))
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk
