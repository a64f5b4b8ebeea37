"""Texts by which callers name requests and whoever sends them: ids and routing keys."""

from __future__ import annotations

from fairlead.kit.errors import FieldViolation, InvalidArgument

LONGEST_BYTES = 256
"""An id is told again with each event of a request's rows, so that a long one would be kept many times."""


def is_identifier(text: str) -> bool:
    """Return whether a text is short enough, and one that can be sent at all."""
    return len(text) <= LONGEST_BYTES and (text.isascii() or _is_short(text))


def check_identifier(text: str, field: str) -> None:
    """Raise InvalidArgument for what is no identifier; field is what the caller calls it."""
    if not is_identifier(text):
        rule = f"it is {text[:40]!r}, with {len(text)} characters; text of at most {LONGEST_BYTES} bytes is expected"
        raise InvalidArgument(f"{field}: {rule}", violations=[FieldViolation(field, rule)])


def _is_short(text: str) -> bool:
    try:
        return len(text.encode()) <= LONGEST_BYTES
    except UnicodeEncodeError:
        # Half of a pair of surrogates, which JSON can spell and UTF-8 can't.
        return False
