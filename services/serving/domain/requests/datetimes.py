"""Instants as models read them: seconds since 1970-01-01 UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def to_epoch_seconds(text: str) -> float:
    """Return seconds since 1970-01-01 UTC of an ISO 8601 text; without an offset it is read as UTC.

    Raises ValueError where the text is not ISO 8601.
    """
    instant = datetime.fromisoformat(text.strip())
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


def to_iso_text(seconds: float) -> str:
    """Return an instant as ISO 8601 in UTC, to the microsecond where it has a fraction; "" for NaN."""
    if seconds != seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
