"""Calls of other services that may be away for a while, such as when all of them start at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from fairlead.kit.errors import DeadlineExceeded, Unavailable

FIRST_SECONDS = 0.5
MOST_SECONDS = 60.0
T = TypeVar("T")


def patiently(call: Callable[[], T], tell: Callable[[str, float], None], first_seconds: float = FIRST_SECONDS) -> T:
    """Return what a call returns; while its service is away, try again, each time after a longer wait.

    tell gets what was wrong and the seconds until the next try. There is no last try: whoever waits for the work sees
    that it waits, and may cancel it. Raises what the call raises for other reasons.
    """
    wait = first_seconds
    while True:
        try:
            return call()
        except (Unavailable, DeadlineExceeded) as error:
            wait = max(wait, error.retry_after or 0.0)
            tell(error.message, wait)
        time.sleep(wait)
        wait = min(2 * wait, MOST_SECONDS)
