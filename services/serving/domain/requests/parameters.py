"""What a request's parameters ask for, in the Open Inference Protocol and in our own."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.kit.errors import FieldViolation, InvalidArgument

from .identifiers import check_identifier
from .options import PLAIN, PredictionOptions

PREFIX = "fairlead_"
ROUTING_KEY, EXPLAIN, INTERVAL = f"{PREFIX}routing_key", f"{PREFIX}explain", f"{PREFIX}interval"
KNOWN = (ROUTING_KEY, EXPLAIN, INTERVAL)
TIMEOUT = "timeout"
MICROSECONDS = 1_000_000
LONGEST = 10**15
"""More microseconds than these, some thirty years, are no less patient."""


def options_of(parameters: Mapping[str, object]) -> PredictionOptions:
    """Return what the parameters of a request ask for beside the prediction; those of other servers are ignored.

    Raises InvalidArgument for an unknown one of ours and for a bad value.
    """
    ours = {name: value for name, value in parameters.items() if name.startswith(PREFIX)}
    if not ours:
        return PLAIN
    unknown = next((name for name in ours if name not in KNOWN), None)
    if unknown is not None:
        raise _invalid(unknown, f"there is no such parameter; there are {', '.join(KNOWN)}")
    routing_key, explain, interval = ours.get(ROUTING_KEY), ours.get(EXPLAIN), ours.get(INTERVAL)
    if not isinstance(routing_key, str | None):
        raise _invalid(ROUTING_KEY, f"it is {routing_key!r:.60}; a text is expected")
    if not isinstance(explain, bool | None):
        raise _invalid(EXPLAIN, f"it is {explain!r:.60}; true or false is expected")
    if isinstance(interval, bool) or not isinstance(interval, int | float | None):
        raise _invalid(INTERVAL, f"it is {interval!r:.60}; a coverage such as 0.9 is expected")
    check_identifier(routing_key or "", ROUTING_KEY)
    return checked_options(routing_key or "", explain or False, interval or 0.0, field=INTERVAL)


def checked_options(routing_key: str, explain: bool, interval: float, *, field: str = "interval") -> PredictionOptions:
    """Return what is asked for; 0 stands for no interval.

    Raises InvalidArgument for a coverage that is none, and for a routing key that is too long.
    """
    if not 0 <= interval < 1:
        raise _invalid(field, f"it is {interval}; a coverage is above 0 and below 1, such as 0.9")
    if not (routing_key or explain or interval):
        return PLAIN
    check_identifier(routing_key, "routing_key")
    return PredictionOptions(routing_key, explain, float(interval))


def timeout_of(parameters: Mapping[str, object]) -> float | None:
    """Return the seconds that the parameter `timeout` gives a request, in microseconds as Triton has it; None for none.

    Raises InvalidArgument for anything but a whole number.
    """
    timeout = parameters.get(TIMEOUT)
    if timeout is None or timeout == 0:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int) or timeout < 0:
        raise _invalid(TIMEOUT, f"it is {timeout!r:.60}; a whole number of microseconds is expected")
    return min(timeout, LONGEST) / MICROSECONDS


def _invalid(name: str, message: str) -> InvalidArgument:
    return InvalidArgument(f"parameter '{name}': {message}", violations=[FieldViolation(name, message)])
