"""What a call is called in answers, logs and audit entries."""

from __future__ import annotations

import itertools
import re
import secrets

_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,128}")
# An id made from randomness each time would cost a call of the system.
_PREFIX = secrets.token_hex(8)
_NUMBERS = itertools.count(1)


def request_id_of(given: str) -> str:
    """Return the id that a caller gives, or 32 hexadecimal digits that no other call has."""
    return given if _GIVEN.fullmatch(given) else f"{_PREFIX}{next(_NUMBERS):016x}"
