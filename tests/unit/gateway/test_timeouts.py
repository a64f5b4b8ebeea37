"""A caller says how long it waits in one of two ways, or in both."""

from __future__ import annotations

import pytest

from fairlead.kit.errors import InvalidArgument
from services.gateway.domain.timeouts import timeout_of


@pytest.mark.parametrize(
    ("seconds", "grpc", "found"),
    [
        (None, None, None),
        ("2.5", None, 2.5),
        (None, "500m", 0.5),
        (None, "90S", 60.0),
        (None, "1H", 60.0),
        (None, " 7u ", 7e-6),
        (None, "0n", 0.0),
        ("2", "3S", 2.0),
        ("3", "2S", 2.0),
    ],
)
def test_the_fewer_seconds_of_both_headers_count(seconds: str | None, grpc: str | None, found: float | None) -> None:
    assert timeout_of(seconds, grpc, limit=60.0) == found


@pytest.mark.parametrize("text", ["", "soon", "0", "-1", "nan", "inf", "61"])
def test_seconds_that_are_none_or_over_the_limit_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="X-Request-Timeout") as refusal:
        timeout_of(text, None, limit=60.0)

    assert [each.field for each in refusal.value.violations] == ["X-Request-Timeout"]


def test_what_is_no_time_of_grpc_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="Grpc-Timeout"):
        timeout_of(None, "5s", limit=60.0)
