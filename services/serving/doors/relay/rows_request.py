"""A prediction asked for with rows in JSON: {"rows": [{column: value}], ...}."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from fairlead.kit.errors import FieldViolation, InvalidArgument

from ...domain.requests.limits import RequestLimits
from ...domain.requests.options import PredictionOptions
from ...domain.requests.parameters import checked_options

MEMBERS = ("explain", "interval", "request_id", "routing_key", "rows")


@dataclass(frozen=True)
class RowsRequest:
    """Rows to predict; without an id one is made up."""

    rows: list[dict[str, Any]]
    id: str
    options: PredictionOptions


def parse_rows_request(body: bytes, limits: RequestLimits) -> RowsRequest:
    """Return the request in a body. Raises InvalidArgument naming the member that is wrong."""
    try:
        value = from_json(body)
    except ValueError as error:
        raise _invalid("body", f"is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise _invalid("body", 'must be an object such as {"rows": [{"age": 39}]}')
    unknown = value.keys() - set(MEMBERS)
    if unknown:
        raise _invalid(min(unknown), f"is no member of a prediction request; there are {', '.join(MEMBERS)}")
    rows = _rows(value)
    limits.check_rows(len(rows))
    return RowsRequest(rows, _text(value, "request_id"), _options(value))


def _rows(body: dict[str, Any]) -> list[dict[str, Any]]:
    rows = body.get("rows")
    if not isinstance(rows, list) or not rows:
        raise _invalid("rows", "must be a list of one or more objects, column to value")
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise _invalid(f"rows[{index}]", "must be an object, column to value")
    return rows


def _options(body: dict[str, Any]) -> PredictionOptions:
    explain = body.get("explain")
    if explain is not None and not isinstance(explain, bool):
        raise _invalid("explain", "must be true or false")
    return checked_options(_text(body, "routing_key"), bool(explain), _coverage(body))


def _text(body: dict[str, Any], member: str) -> str:
    value = body.get(member)
    if value is not None and not isinstance(value, str):
        raise _invalid(member, "must be text")
    return value or ""


def _coverage(body: dict[str, Any]) -> float:
    value = body.get("interval")
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise _invalid("interval", "must be a coverage between 0 and 1, such as 0.9")
    return float(value)


def _invalid(field: str, rule: str) -> InvalidArgument:
    return InvalidArgument(f"{field} {rule}", violations=[FieldViolation(field, rule)])
