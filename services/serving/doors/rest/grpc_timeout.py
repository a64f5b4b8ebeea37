"""The header Grpc-Timeout, by which HTTP clients of gRPC gateways say how long they wait."""

from __future__ import annotations

import re

from fairlead.kit.errors import InvalidArgument

TIMEOUT = b"grpc-timeout"
_UNITS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_FORM = re.compile(rb"(\d{1,8})([HMSmun])")


def seconds_of(header: bytes) -> float:
    """Return the seconds of a header such as 500m, as gRPC over HTTP/2 defines it: at most 8 digits and a unit.

    Raises InvalidArgument for another form.
    """
    found = _FORM.fullmatch(header.strip())
    if found is None:
        raise InvalidArgument(
            f"the header Grpc-Timeout is {header[:40].decode('latin-1')!r}; at most 8 digits and one of "
            "H, M, S, m (milliseconds), u, n are expected, such as 500m"
        )
    return int(found[1]) * _UNITS[found[2]]
