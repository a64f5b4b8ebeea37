"""Recent predictions, by request, so that feedback finds them; and feedback that came before its prediction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, case, delete, func, insert, select, update

from ..domain.arm import RequestLosses
from ..domain.performance import Answer
from .state_json import dump_losses, load_losses
from .tables import EARLY_TRUTHS, REQUESTS

_CHUNK = 500

T = TypeVar("T")


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
    # A shadow's answers; no caller had them.
    shadow: bool = False
    # The number of the split that it was answered in; 0 where it is in no experiment.
    split: int = 0
    losses: RequestLosses = ()

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
    """Return the part that has this row of the newest request of this id that was answered, or None."""
    of_id = (REQUESTS.c.deployment == deployment) & (REQUESTS.c.request_id == request_id)
    return _newest_part(connection, of_id & REQUESTS.c.shadow.is_(False), row)


def find_shadows(connection: Connection, deployment: str, request_id: str, row: int) -> list[Request]:
    """Return the same of each version that predicted a request of this id as a shadow."""
    shadows = (REQUESTS.c.deployment == deployment) & (REQUESTS.c.request_id == request_id) & REQUESTS.c.shadow
    versions = connection.scalars(select(REQUESTS.c.model_version).where(shadows).distinct()).all()
    parts = (_newest_part(connection, shadows & (REQUESTS.c.model_version == version), row) for version in versions)
    return [part for part in parts if part is not None]


def answered_truths(connection: Connection, deployment: str, ids: Iterable[str]) -> dict[str, dict[int, str]]:
    """Return the truths by row of the newest answered request of each id that has one."""
    found: dict[str, dict[int, str]] = {}
    newest: dict[str, int] = {}
    columns = (REQUESTS.c.request_id, REQUESTS.c.time_ns, REQUESTS.c.truths)
    for chunk in _chunks(ids):
        answered = (REQUESTS.c.deployment == deployment) & REQUESTS.c.shadow.is_(False)
        query = select(*columns).where(answered, REQUESTS.c.request_id.in_(chunk)).order_by(REQUESTS.c.sequence.desc())
        for request_id, time_ns, truths in connection.execute(query):
            if newest.setdefault(request_id, time_ns) == time_ns:
                found.setdefault(request_id, {}).update(_truths(truths))
    return found


def seen_rows(
    connection: Connection, deployment: str, ids: Iterable[str], *, shadow: str = ""
) -> dict[tuple[str, int], list[range]]:
    """Return which rows of requests that have one of these ids are kept, by (id, time).

    A request is answered once, by whichever version; and predicted once by each shadow, whose version is given then.
    """
    found: dict[tuple[str, int], list[range]] = {}
    columns = (REQUESTS.c.request_id, REQUESTS.c.time_ns, REQUESTS.c.first_row, REQUESTS.c.row_count)
    same = (REQUESTS.c.deployment == deployment) & (REQUESTS.c.shadow.is_(bool(shadow)))
    if shadow:
        same &= REQUESTS.c.model_version == shadow
    for chunk in _chunks(ids):
        query = select(*columns).where(same, REQUESTS.c.request_id.in_(chunk))
        for request_id, time_ns, first, count in connection.execute(query):
            found.setdefault((request_id, time_ns), []).append(range(first, first + count))
    return found


def set_truths(connection: Connection, request: Request) -> None:
    """Keep a request's truths, and how wrong it was by them."""
    changed = update(REQUESTS).where(REQUESTS.c.sequence == request.sequence)
    connection.execute(changed.values(truths=json.dumps(request.truths), losses=dump_losses(request.losses)))


def trim_requests(connection: Connection, deployment: str, keep_rows: int) -> None:
    """Forget a deployment's oldest requests beyond `keep_rows` answered rows, and as many of each shadow."""
    of = case((REQUESTS.c.shadow, REQUESTS.c.model_version), else_="")
    newest_first = func.sum(REQUESTS.c.row_count).over(partition_by=of, order_by=REQUESTS.c.sequence.desc())
    counted = select(REQUESTS.c.sequence, newest_first.label("total")).where(REQUESTS.c.deployment == deployment)
    newest = counted.subquery()
    old = select(newest.c.sequence).where(newest.c.total > keep_rows)
    connection.execute(delete(REQUESTS).where(REQUESTS.c.deployment == deployment, REQUESTS.c.sequence.in_(old)))


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
    waiting = _waiting(connection, deployment, requests)
    for chunk in _chunks(waiting):
        connection.execute(delete(EARLY_TRUTHS).where(EARLY_TRUTHS.c.sequence.in_(chunk)))
    return list(waiting.values())


def early_truths(connection: Connection, deployment: str, requests: Sequence[Request]) -> list[EarlyTruth]:
    """Return the truths that came before these rows, in the order they came; they wait on."""
    return list(_waiting(connection, deployment, requests).values())


def _waiting(connection: Connection, deployment: str, requests: Sequence[Request]) -> dict[int, EarlyTruth]:
    """Return the truths that wait for these rows by sequence, in the order they came."""
    any_waits = select(EARLY_TRUTHS.c.sequence).where(EARLY_TRUTHS.c.deployment == deployment).limit(1)
    if connection.execute(any_waits).first() is None:
        return {}
    rows_of: dict[str, list[range]] = {}
    for request in requests:
        rows_of.setdefault(request.request_id, []).append(request.rows)
    found: dict[int, EarlyTruth] = {}
    for chunk in _chunks(rows_of):
        of_these = (EARLY_TRUTHS.c.deployment == deployment) & EARLY_TRUTHS.c.request_id.in_(chunk)
        for row in connection.execute(select(EARLY_TRUTHS).where(of_these).order_by(EARLY_TRUTHS.c.sequence)):
            # Those of rows that come with a later part wait on.
            if any(row.row in part for part in rows_of[row.request_id]):
                found[row.sequence] = EarlyTruth(row.request_id, row.row, row.value)
    return found


def _newest_part(connection: Connection, requests: ColumnElement[bool], row: int) -> Request | None:
    """Return the part that has this row of the newest among these requests, which have one id."""
    newest = select(REQUESTS.c.time_ns).where(requests).order_by(REQUESTS.c.sequence.desc()).limit(1).scalar_subquery()
    here = (REQUESTS.c.first_row <= row) & (REQUESTS.c.row_count > row - REQUESTS.c.first_row)
    query = select(REQUESTS).where(requests, REQUESTS.c.time_ns == newest, here)
    found = connection.execute(query.order_by(REQUESTS.c.sequence.desc()).limit(1)).one_or_none()
    if found is None:
        return None
    return Request(
        found.request_id,
        found.model_version,
        found.time_ns,
        tuple(Answer(label, value) for label, value in json.loads(found.answers)),
        _truths(found.truths),
        found.first_row,
        found.sequence,
        found.shadow,
        found.split,
        load_losses(found.losses),
    )


def _truths(text: str) -> dict[int, str]:
    return {int(number): value for number, value in json.loads(text).items()}


def _values(request: Request) -> dict[str, object]:
    return {
        "request_id": request.request_id,
        "model_version": request.model_version,
        "time_ns": request.time_ns,
        "first_row": request.first_row,
        "row_count": len(request.answers),
        "answers": json.dumps([(answer.label, answer.value) for answer in request.answers]),
        "truths": json.dumps(request.truths),
        "shadow": request.shadow,
        "split": request.split,
        "losses": dump_losses(request.losses),
    }


def _chunks(ids: Iterable[T]) -> Iterator[list[T]]:
    remaining = iter(dict.fromkeys(ids))
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk
