"""The header Grpc-Timeout, by which gRPC's clients, and HTTP clients of its gateways, say how long they wait."""

from __future__ import annotations

import re

from fairlead.kit.errors import FieldViolation, InvalidArgument

NAME = "Grpc-Timeout"
_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_FORM = re.compile(r"([0-9]{1,8})([HMSmun])")


def seconds_of(header: str) -> float:
    """Return the seconds of a header such as 500m, as gRPC over HTTP/2 defines it: at most 8 digits and a unit.

    Raises InvalidArgument for another form.
    """
    found = _FORM.fullmatch(header.strip())
    if found is None:
        rule = "at most 8 digits and one of H, M, S, m (milliseconds), u, n are expected, such as 500m"
        raise InvalidArgument(f"the header {NAME} is '{header[:40]}'; {rule}", violations=[FieldViolation(NAME, rule)])
    return int(found[1]) * _UNITS[found[2]]
