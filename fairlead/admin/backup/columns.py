"""From a value as one kind of database gave it to what another kind takes for the same column."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from fairlead.admin.backup.tables import JsonText

Convert = Callable[[Any], Any]


def converter(column: sa.Column[Any], dialect: str) -> Convert:
    """Return what turns a decoded value into one for the column; None stays None."""
    convert = _of_type(column.type, dialect)
    return lambda value: None if value is None else convert(value)


def _of_type(kind: sa.types.TypeEngine[Any], dialect: str) -> Convert:
    if isinstance(kind, sa.DateTime):
        return _aware if kind.timezone and dialect == "postgresql" else _naive
    if isinstance(kind, sa.Boolean):
        return bool
    if isinstance(kind, sa.Integer):
        return int
    if isinstance(kind, sa.Float):
        return float
    if isinstance(kind, sa.Numeric):
        return lambda value: value if isinstance(value, Decimal) else Decimal(str(value))
    if isinstance(kind, sa.String | JsonText):
        return _text if dialect == "sqlite" else _text_without_nul
    return _as_it_is if dialect == "postgresql" else _plain


def _aware(value: datetime) -> datetime:
    """A moment without a zone is one of SQLite's, where ours are all in UTC."""
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _naive(value: datetime) -> datetime:
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _text_without_nul(value: Any) -> Any:
    """PostgreSQL has no NUL in texts; the services write it as the replacement character there, too."""
    return value.replace("\x00", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID | Decimal) else value


def _as_it_is(value: Any) -> Any:
    return value
