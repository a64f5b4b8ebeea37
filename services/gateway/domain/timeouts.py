"""How long a caller waits, by the headers X-Request-Timeout (seconds) and Grpc-Timeout (a number and its unit)."""

from __future__ import annotations

from fairlead.kit.errors import FieldViolation, InvalidArgument
from fairlead.kit.http.grpc_timeout import seconds_of

HEADER = "X-Request-Timeout"


def timeout_of(seconds: str | None, grpc: str | None, limit: float) -> float | None:
    """Return the seconds that a caller gives by either header, the fewer of both; None where it gives none.

    grpc is set by clients on their own: what is over the limit is brought down to it, and 0 is no time at all. Raises
    InvalidArgument for what is no time, and for seconds that are none or over the limit.
    """
    if grpc is None:
        return None if seconds is None else _seconds(seconds, limit)
    given = min(seconds_of(grpc), limit)
    return given if seconds is None else min(given, _seconds(seconds, limit))


def _seconds(text: str, limit: float) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= limit:
        rule = f"must be seconds above 0 and at most {limit:g}"
        raise InvalidArgument(f"{HEADER} '{text[:40]}' {rule}", violations=[FieldViolation(HEADER, rule)])
    return seconds
