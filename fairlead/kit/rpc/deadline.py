"""The time the caller of this thread still has, so that calls made on its behalf get no more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from fairlead.kit.errors import DeadlineExceeded

_ENDS_AT: ContextVar[float | None] = ContextVar("fairlead_deadline", default=None)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Run a block with at most this many seconds; None sets no limit.

    Raises DeadlineExceeded at once where none are left.
    """
    if seconds is not None and seconds <= 0:
        raise DeadlineExceeded("the caller's deadline has passed")
    token = _ENDS_AT.set(None if seconds is None else time.monotonic() + seconds)
    try:
        yield
    finally:
        _ENDS_AT.reset(token)


def remaining(default: float) -> float:
    """Return the seconds a call may take: the default, or less where the caller has less.

    Raises DeadlineExceeded where none are left.
    """
    ends_at = _ENDS_AT.get()
    if ends_at is None:
        return default
    left = ends_at - time.monotonic()
    if left <= 0:
        raise DeadlineExceeded("the caller's deadline has passed")
    return min(default, left)
