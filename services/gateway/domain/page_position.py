"""Positions in page tokens."""

from __future__ import annotations

from fairlead.kit.errors import FieldViolation, InvalidArgument


def position_of(text: str) -> int:
    """Return the number that a decoded page token holds. Raises InvalidArgument where it holds something else."""
    if not text.isascii() or not text.isdigit():
        raise InvalidArgument(
            "page_token was not made by this service; start again without one",
            violations=[FieldViolation("page_token", "not a token of this service")],
        )
    return int(text)
