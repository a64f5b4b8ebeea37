"""Whether JSON text may have members of some names, seen without parsing it."""

from __future__ import annotations

import json
from collections.abc import Collection

import numpy as np

from ...domain.requests.columns import Array

_QUOTE, _ESCAPE = b'"\\'
_BEHIND_A_NAME = np.frombuffer(b": \t\r\n", np.uint8)


def may_have_member(text: bytes, names: Collection[str]) -> bool:
    """Return whether an object of the text may have a member of one of the names; True where it takes parsing to tell.

    A name may be spelled with escapes ("pr\\u00e9vision"): a text with an escape in any member's name may have it.
    """
    if any(json.dumps(name, ensure_ascii=False).encode() in text for name in names):
        return True
    return bool(names) and b"\\" in text and _has_escaped_name(text)


def _has_escaped_name(text: bytes) -> bool:
    signs = np.frombuffer(text, np.uint8)
    escapes = np.flatnonzero(signs == _ESCAPE)
    quotes = np.flatnonzero(signs == _QUOTE)
    # A quote behind a backslash ends no text, unless that backslash is escaped itself: look at both.
    free = quotes[signs[np.maximum(quotes - 1, 0)] != _ESCAPE]
    return _is_name(signs, escapes, quotes) or _is_name(signs, escapes, free)


def _is_name(signs: Array, escapes: Array, quotes: Array) -> bool:
    """Return whether what stands behind the next quote after any escape is what stands behind a member's name."""
    places = np.searchsorted(quotes, escapes, side="right")
    behind = quotes[places[places < len(quotes)]] + 1
    return bool(np.isin(signs[behind[behind < len(signs)]], _BEHIND_A_NAME).any())
