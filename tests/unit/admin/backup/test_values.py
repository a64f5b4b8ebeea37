"""Every value that a column may hold comes back from a backup as it went in."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from fairlead.admin.backup.errors import Damaged
from fairlead.admin.backup.values import decode_row, encode_row
from fairlead.kit.errors import Internal

VALUES = [
    None,
    True,
    False,
    0,
    -1,
    2**63 - 1,
    -(2**63),
    10**40,
    0.1,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    0.1 + 0.2,
    math.inf,
    -math.inf,
    "",
    "naïve, 数据, \U0001f6a2",
    'quotes " and \\ and\nlines\r\n\t\x00\x7f',
    "half a surrogate pair: \ud83d",
    b"",
    bytes(range(256)),
    datetime(2026, 1, 31, 17, 1, 3, 123456),
    datetime(2026, 1, 31, 17, 1, 3, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
    date(2026, 2, 28),
    time(23, 59, 59, 999999),
    timedelta(days=-1, microseconds=1),
    Decimal("1.10"),
    Decimal("-1E+400"),
    UUID("01a1fe7a-37b9-7725-85f5-ba6705842625"),
    [1, None, b"\x00", ["nested", datetime(2026, 1, 1, tzinfo=UTC)]],
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    (back,) = decode_row(encode_row([value]))

    assert back == value
    assert type(back) is type(value)


def test_the_sign_of_zero_is_kept() -> None:
    assert math.copysign(1, decode_row(encode_row([-0.0]))[0]) == -1


def test_not_a_number_comes_back() -> None:
    assert math.isnan(decode_row(encode_row([math.nan]))[0])


def test_a_moment_keeps_its_zone() -> None:
    moment = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))

    assert decode_row(encode_row([moment]))[0].utcoffset() == timedelta(hours=2)


def test_a_row_is_one_line_of_plain_json() -> None:
    line = encode_row(["a\nb", math.nan, b"\xff"])

    assert b"\n" not in line
    assert json.loads(line) == ["a\nb", {"f": "nan"}, {"b": "/w=="}]


def test_memory_of_a_driver_is_written_as_bytes() -> None:
    assert decode_row(encode_row([memoryview(b"abc"), bytearray(b"def")])) == [b"abc", b"def"]


def test_a_type_that_no_column_has_is_refused() -> None:
    with pytest.raises(Internal, match="type set can't be written"):
        encode_row([{1}])


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[1", b'[{"b":"!"}]', b'[{"x":1}]', b'[{"t":"soon"}]', b"[[1]]", b"[{}]"]
)
def test_what_is_never_written_is_damage(line: bytes) -> None:
    with pytest.raises(Damaged):
        decode_row(line)
