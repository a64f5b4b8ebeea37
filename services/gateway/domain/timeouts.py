"""How long a caller waits, by the headers X-Request-Timeout (seconds) and Grpc-Timeout (a number and its unit)."""

from __future__ import annotations

import re

from fairlead.kit.errors import FieldViolation, InvalidArgument

_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
# As gRPC over HTTP/2 defines it.
_GRPC = re.compile(r"([0-9]{1,8})([HMSmun])")


def timeout_of(seconds: str | None, grpc: str | None, limit: float) -> float | None:
    """Return the seconds that a caller gives by either header, the fewer of both; None where it gives none.

    grpc is set by clients on their own: what is over the limit is brought down to it, and 0 is no time at all. Raises
    InvalidArgument for what is no time, and for seconds that are none or over the limit.
    """
    if grpc is None:
        return None if seconds is None else _seconds(seconds, limit)
    given = min(_grpc_seconds(grpc), limit)
    return given if seconds is None else min(given, _seconds(seconds, limit))


def _seconds(text: str, limit: float) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= limit:
        raise _invalid("X-Request-Timeout", text, f"must be seconds above 0 and at most {limit:g}")
    return seconds


def _grpc_seconds(text: str) -> float:
    found = _GRPC.fullmatch(text.strip())
    if found is None:
        raise _invalid("Grpc-Timeout", text, "must be at most 8 digits and one of H, M, S, m, u, n, such as 500m")
    return int(found[1]) * _UNITS[found[2]]


def _invalid(header: str, text: str, rule: str) -> InvalidArgument:
    return InvalidArgument(f"{header} '{text[:40]}' {rule}", violations=[FieldViolation(header, rule)])
