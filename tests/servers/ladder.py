"""Where a test gets its servers: a URL in the environment, else a container, else a local process.

FAIRLEAD_TEST_SERVERS picks one way (container or process) for all of them; auto, the default, takes the first that can
be had. A server that can't be had is a failure: a test that needs it never skips.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

S = TypeVar("S")

PICK = "FAIRLEAD_TEST_SERVERS"
WAYS = ("auto", "container", "process")
SCRIPT = "scripts/test_servers.sh"


class NotHere(Exception):
    """Why a server can't be had in one of the ways, and what to do about it."""


class NoServer(AssertionError):
    """A wanted server can't be had in any way."""


def picked() -> str:
    """Return how servers are to be had: auto, container or process."""
    way = os.environ.get(PICK) or "auto"
    if way not in WAYS:
        raise NoServer(f"{PICK} is '{way}'; it must be one of {', '.join(WAYS)}")
    return way


def given_url(variable: str) -> str:
    """Return the URL of a server that the environment names; empty where it names none or a way is picked."""
    return os.environ.get(variable, "") if picked() == "auto" else ""


def climb(what: str, variable: str, container: Callable[[], S], process: Callable[[], S]) -> S:
    """Return what the first way that works gives; raises NoServer with every way's reason."""
    reasons = []
    for way, start in (("container", container), ("process", process)):
        if picked() in ("auto", way):
            try:
                return start()
            except NotHere as reason:
                reasons.append(f"  as a {way}: {reason}")
    raise NoServer("\n".join([f"the tests need {what} and found none:", *reasons, f"  or name one in {variable}"]))
