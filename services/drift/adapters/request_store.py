"""Recent predictions, by request, so that feedback finds them; and feedback that came before its prediction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, and_, bindparam, case, delete, func, insert, select, update

from ..domain.experiments.arm import RequestLosses
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
    # Of the whole request where this is the part that came first; later parts have none.
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


def newest_parts(
    connection: Connection, deployment: str, ids: Iterable[str], *, shadows: bool
) -> dict[str, list[Request]]:
    """Return, by id, the parts of the newest request of each of these ids, oldest first.

    That which was answered; or with `shadows` those that shadows predicted, the newest of each version.
    """
    newest, found = REQUESTS.alias(), dict[str, list[Request]]()
    of_kind = (newest.c.deployment == deployment) & newest.c.shadow.is_(shadows)
    group = [newest.c.request_id, newest.c.model_version] if shadows else [newest.c.request_id]
    same = [REQUESTS.c[column.name] == column for column in (*group, newest.c.deployment, newest.c.time_ns)]
    parts = select(REQUESTS).join(newest, and_(*same)).where(REQUESTS.c.shadow.is_(shadows))
    for chunk in _chunks(ids):
        heads = select(func.max(newest.c.sequence)).where(of_kind, newest.c.request_id.in_(chunk)).group_by(*group)
        query = parts.where(newest.c.sequence.in_(heads.correlate(None))).order_by(REQUESTS.c.sequence)
        for row in connection.execute(query):
            found.setdefault(row.request_id, []).append(_request(row))
    return found


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


def set_truths(connection: Connection, requests: Sequence[Request]) -> None:
    """Keep the truths of requests, and how wrong these were by them."""
    if not requests:
        return
    changed = update(REQUESTS).where(REQUESTS.c.sequence == bindparam("of"))
    values = changed.values(truths=bindparam("told"), losses=bindparam("wrong"))
    rows = [
        {"of": each.sequence, "told": json.dumps(each.truths), "wrong": dump_losses(each.losses)} for each in requests
    ]
    connection.execute(values, rows)


def trim_requests(connection: Connection, deployment: str, keep_rows: int) -> None:
    """Forget a deployment's oldest requests beyond `keep_rows` answered rows, and as many of each shadow.

    A request is forgotten with all of its parts: the first has what was counted of them all.
    """
    of = case((REQUESTS.c.shadow, REQUESTS.c.model_version), else_="")
    newest_first = func.sum(REQUESTS.c.row_count).over(partition_by=of, order_by=REQUESTS.c.sequence.desc())
    counted = select(REQUESTS.c.sequence, newest_first.label("total")).where(REQUESTS.c.deployment == deployment)
    newest = counted.subquery()
    old = select(newest.c.sequence).where(newest.c.total > keep_rows)
    later = REQUESTS.alias()
    same = [
        later.c[name] == REQUESTS.c[name] for name in ("deployment", "request_id", "time_ns", "model_version", "shadow")
    ]
    stays = select(later.c.sequence).where(*same, later.c.sequence.not_in(old)).correlate(REQUESTS)
    forgotten = (REQUESTS.c.deployment == deployment) & REQUESTS.c.sequence.in_(old) & ~stays.exists()
    connection.execute(delete(REQUESTS).where(forgotten))


def add_early_truths(connection: Connection, deployment: str, truths: Sequence[EarlyTruth], keep: int) -> None:
    """Keep truths until their predictions come; of each deployment the newest `keep`."""
    if not truths:
        return
    rows = [{"deployment": deployment, **asdict(truth)} for truth in truths]
    connection.execute(insert(EARLY_TRUTHS), rows)
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


def _request(row: Row[Any]) -> Request:
    return Request(
        row.request_id,
        row.model_version,
        row.time_ns,
        tuple(Answer(label, value) for label, value in json.loads(row.answers)),
        _truths(row.truths),
        row.first_row,
        row.sequence,
        row.shadow,
        row.split,
        load_losses(row.losses),
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
