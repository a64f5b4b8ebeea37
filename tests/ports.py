"""Ports for what a test starts."""

from __future__ import annotations

import os
import random
import socket

# Below the ephemeral ports, which connections take at any moment; each worker of a test run has its own share.
_FIRST, _LAST = 10_000, 32_000
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_SHARE = (_LAST - _FIRST) // _WORKERS


def free_port(*offsets: int) -> int:
    """Return a port that nothing listens on, nor on those so far behind it."""
    first = _FIRST + _WORKER * _SHARE
    while True:
        port = random.randrange(first, first + _SHARE - max(offsets, default=0))
        if all(_is_free(port + offset) for offset in (0, *offsets)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
