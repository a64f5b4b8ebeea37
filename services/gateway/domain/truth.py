"""Truths as services compare them: class labels and numbers as text."""

from __future__ import annotations


def truth_text(value: str | float | bool) -> str:
    """Return a class label unchanged, a boolean as "true" or "false", a whole number without a point."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if value.is_integer() else repr(value)
