"""Databases, brokers and buckets that are not part of this Fairlead: made ready before its services start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from fairlead.up.errors import UpError

URLS = ("FAIRLEAD_DATABASE_URL", "FAIRLEAD_EVENTS_URL", "FAIRLEAD_BLOBS_URL")
_PROGRAM = "fairlead.admin.ready"
_SECONDS = 120.0


def named(environment: Mapping[str, str]) -> bool:
    """Return whether the environment names any back end."""
    return any(environment.get(url) for url in URLS)


def prepare(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Prove that the back ends can be used, make their topics, and return a line for each.

    It happens in a process of its own, which alone needs their libraries. Raises UpError with a line for each that
    can't be used.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", _PROGRAM],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise UpError(
            f"the back ends did not answer within {_SECONDS:.0f} s; see that {', '.join(URLS)} are right"
        ) from error
    if done.returncode != 0:
        raise UpError(done.stderr.strip() or f"{_PROGRAM} ended with status {done.returncode}")
    return tuple(done.stdout.splitlines())
