"""Instants as models read them: seconds since 1970-01-01 UTC, in the years that ISO 8601 has, 1 to 9999."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST, END = -62_135_596_800, 253_402_300_800
"""When the year 1 begins, and the year 10000."""


def to_epoch_seconds(text: str) -> float:
    """Return seconds since 1970-01-01 UTC of an ISO 8601 text; without an offset it is read as UTC.

    Raises ValueError where the text is not ISO 8601, or by its offset outside the years 1 to 9999 of UTC.
    """
    instant = datetime.fromisoformat(text.strip())
    seconds = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
    if not FIRST <= seconds < END:
        raise ValueError("not in the years 1 to 9999 of UTC")
    return seconds


def outside_years(seconds: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which of these no text can tell, infinity among them; NaN is none of them."""
    return (seconds < FIRST) | (seconds >= END)


def to_iso_text(seconds: float) -> str:
    """Return an instant as ISO 8601 in UTC, to the microsecond where it has a fraction.

    "" for NaN and for what no text can tell, which is read nowhere: earlier versions of this service kept some.
    """
    if not FIRST <= seconds < END:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
