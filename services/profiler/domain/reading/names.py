"""Stable column names: never blank, never twice the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SPACES = re.compile(r"\s+")


def stable_names(raw: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return one name a column and notes on what was changed.

    A blank header becomes column_{position from 1}; the second of equal names gains _2. Names that differ only in
    case count as equal, since SQL engines would mix them up.
    """
    names: list[str] = []
    taken: set[str] = set()
    blank: list[str] = []
    repeated: list[str] = []
    given = {_clean(name).lower() for name in raw}
    for position, name in enumerate(raw, start=1):
        wanted = _clean(name) or f"column_{position}"
        unique = _unused(wanted, taken, given)
        if not _clean(name):
            blank.append(unique)
        elif unique != wanted:
            repeated.append(f"'{wanted}' to '{unique}'")
        taken.add(unique.lower())
        names.append(unique)
    notes = []
    if blank:
        notes.append(f"{len(blank)} blank header cells were named {_some(blank)}.")
    if repeated:
        notes.append(f"{len(repeated)} repeated headers were renamed: {_some(repeated)}.")
    return tuple(names), tuple(notes)


def _clean(name: str) -> str:
    return _SPACES.sub(" ", name.replace("\ufeff", "").replace("\x00", "")).strip()


def _unused(wanted: str, taken: set[str], given: set[str]) -> str:
    if wanted.lower() not in taken:
        return wanted
    number = 2
    while f"{wanted}_{number}".lower() in taken | given:
        number += 1
    return f"{wanted}_{number}"


def _some(items: Sequence[str], limit: int = 6) -> str:
    shown = ", ".join(items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"
