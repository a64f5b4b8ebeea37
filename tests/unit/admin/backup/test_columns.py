"""Values of one kind of database fit the columns of another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from fairlead.admin.backup.columns import converter

NOON = datetime(2026, 1, 1, 12)
UUID_TEXT = "01a1fe7a-37b9-7725-85f5-ba6705842625"


@pytest.mark.parametrize(
    ("kind", "dialect", "value", "expected"),
    [
        (sa.DateTime(timezone=True), "postgresql", NOON, NOON.replace(tzinfo=UTC)),
        (sa.DateTime(timezone=False), "postgresql", NOON.replace(tzinfo=UTC), NOON),
        (sa.DateTime(timezone=True), "sqlite", NOON.replace(tzinfo=UTC), NOON),
        (sa.DateTime(), "sqlite", datetime(2026, 1, 1, 14, tzinfo=timezone(timedelta(hours=2))), NOON),
        (sa.Boolean(), "postgresql", 1, True),
        (sa.Integer(), "sqlite", True, 1),
        (sa.Double(), "postgresql", 3, 3.0),
        (sa.Numeric(), "postgresql", 0.1, Decimal("0.1")),
        (sa.Text(), "postgresql", "a\x00b", "a\N{REPLACEMENT CHARACTER}b"),
        (sa.Text(), "sqlite", "a\x00b", "a\x00b"),
        (sa.Text(), "sqlite", UUID(UUID_TEXT), UUID_TEXT),
        (sa.LargeBinary(), "postgresql", b"\x00", b"\x00"),
        (sa.DateTime(timezone=True), "postgresql", None, None),
    ],
)
def test_a_value_fits(kind: Any, dialect: str, value: Any, expected: Any) -> None:
    fitted = converter(sa.Column("c", kind), dialect)(value)

    assert fitted == expected
    assert type(fitted) is type(expected)
