"""Delimited text in bytes: where records end, what delimits them, and the names of their columns."""

from __future__ import annotations

import csv
import re
from bisect import bisect_left
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from fairlead.kit.quotes import CELL_BYTES, CELL_LINES, read_quotes

LONGEST_NAME = 128 * 1024
DELIMITERS = (",", ";", "\t", "|")
_QUOTE, _NEWLINE, _RETURN = 0x22, 0x0A, 0x0D
_SPACES = re.compile(r"\s+")


def end_of_records(text: bytes, delimiter: str) -> int:
    """Return where the last whole record of a text that begins with one ends; 0 where none does.

    A line break in quotes ends no record. A quote opens only where a value begins; elsewhere it is a sign like others.
    What is the record's and what is not where a quote is stray, is said by fairlead.kit.quotes.
    """
    if b'"' not in text:
        return text.rfind(b"\n") + 1
    if (cells := _regular_cells(text, ord(delimiter))) is None:
        return read_quotes(text, delimiter, is_all=False).end
    opens, closes = cells
    end = len(text)
    while (found := text.rfind(b"\n", 0, end)) >= 0:
        before = bisect_left(opens, found)
        if before == 0 or closes[before - 1] < found:
            return found + 1
        end = int(opens[before - 1])
    return 0


def stray_quotes(text: bytes, delimiter: str) -> list[tuple[int, int]]:
    """Return where records with a stray quote begin and end, in a text of whole records."""
    if b'"' not in text:
        return []
    cells = _regular_cells(text, ord(delimiter))
    if cells is not None and (not len(cells[1]) or int(cells[1][-1]) < len(text)):
        return []
    return read_quotes(text, delimiter, is_all=True).stray


def ends_in_quotes(text: bytes, delimiter: str) -> bool:
    """Return whether the last record of a text that begins with one has a quote that is not closed."""
    if b'"' not in text:
        return False
    _, closes = _quoted(text, ord(delimiter))
    return len(closes) > 0 and int(closes[-1]) == len(text)


def end_of_first_record(text: bytes, delimiter: str) -> int:
    """Return where the first record ends, its line break included; the length of the text where it has no end."""
    opens, closes = _quoted(text, ord(delimiter)) if b'"' in text else (np.empty(0, int), np.empty(0, int))
    start = 0
    while (found := text.find(b"\n", start)) >= 0:
        before = bisect_left(opens, found)
        if before == 0 or closes[before - 1] < found:
            return found + 1
        start = int(min(closes[before - 1], len(text)))
    return len(text)


def delimiter_of(header: str, wanted: Collection[str]) -> str:
    """Return the delimiter by which a header line names most of the wanted columns, or splits into most names."""
    return max(DELIMITERS, key=lambda sign: _score(header, sign, wanted))


def names_of(header: str, delimiter: str) -> tuple[str, ...]:
    """Return the column names of a header: spaces trimmed, blank ones numbered, repeated ones told apart.

    They are named as where a dataset is imported, since the model's columns have their names from there. Raises
    csv.Error for a line break outside of quotes, or a name of more than LONGEST_NAME characters.
    """
    raw = next(csv.reader([header], delimiter=delimiter, strict=False), [])
    if any(len(name) > LONGEST_NAME for name in raw):
        # Else it would go by what other code of the process has set for all of csv.
        raise csv.Error(f"field larger than field limit ({LONGEST_NAME})")
    given = [_clean(name) for name in raw]
    names: list[str] = []
    taken: set[str] = set()
    for position, name in enumerate(given, start=1):
        unique = _unused(name or f"column_{position}", taken, given)
        taken.add(unique.lower())
        names.append(unique)
    return tuple(names)


def _unused(wanted: str, taken: set[str], given: Sequence[str]) -> str:
    if wanted.lower() not in taken:
        return wanted
    others = {name.lower() for name in given}
    number = 2
    while f"{wanted}_{number}".lower() in taken | others:
        number += 1
    return f"{wanted}_{number}"


def _clean(name: str) -> str:
    return _SPACES.sub(" ", name.replace("\ufeff", "").replace("\x00", "")).strip()


def _score(header: str, delimiter: str, wanted: Collection[str]) -> tuple[int, int]:
    try:
        names = names_of(header, delimiter)
    except csv.Error:
        # By another sign a long header may be of names that are short enough.
        return -1, 0
    return len(set(names) & set(wanted)), len(names)


def _quoted(text: bytes, delimiter: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where quoted stretches begin and end; one that is not closed ends beyond the text."""
    signs = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(signs == _QUOTE)
    if not _is_regular(signs, quotes, delimiter):
        return _walked(text, quotes, delimiter)
    opens, closes = quotes[0::2], quotes[1::2]
    if len(opens) > len(closes):
        closes = np.append(closes, len(text))
    return opens, closes


def _regular_cells(text: bytes, delimiter: int) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return where quoted cells begin and end by a look at all quotes at once; None where one may be stray."""
    signs = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(signs == _QUOTE)
    if not _is_regular(signs, quotes, delimiter):
        return None
    opens, closes = quotes[0::2], quotes[1::2]
    if len(opens) > len(closes):
        closes = np.append(closes, len(text))
    # Stretches that meet are of one cell, with a doubled quote between.
    begins = np.concatenate(([True], opens[1:] != closes[:-1] + 1))
    opens, closes = opens[begins], closes[np.append(begins[1:], True)]
    # A cell of so many lines is longer than they are many; few are.
    for place in np.flatnonzero(closes - opens > CELL_LINES).tolist():
        opened, closed = int(opens[place]), int(closes[place])
        if closed - opened >= CELL_BYTES or text.count(b"\n", opened, closed) > CELL_LINES:
            return None
    return opens, closes


def _is_regular(signs: NDArray[np.uint8], quotes: NDArray[np.int64], delimiter: int) -> bool:
    """Return whether quotes open and close in turn, each at the edge of a value or doubled."""
    edges = np.zeros(256, bool)
    edges[[delimiter, _NEWLINE, _RETURN]] = True
    before = edges[signs[quotes - 1]] | (quotes == 0)
    after = edges[signs[np.minimum(quotes + 1, len(signs) - 1)]] | (quotes == len(signs) - 1)
    doubled = np.diff(quotes) == 1
    # The first of a doubled pair closes, the second opens again.
    opens_well = before[0::2]
    opens_well[1:] |= doubled[1::2][: max(len(opens_well) - 1, 0)]
    closes_well = after[1::2]
    closes_well[: len(doubled[1::2])] |= doubled[1::2]
    return bool(opens_well.all() and closes_well.all())


def _walked(text: bytes, quotes: NDArray[np.int64], delimiter: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Do the same one quote after the other, for text whose quotes are not all at the edges of values."""
    edges = {delimiter, _NEWLINE, _RETURN}
    opens: list[int] = []
    closes: list[int] = []
    skipped = -1
    for place in quotes.tolist():
        if place == skipped:
            continue
        if len(opens) == len(closes):
            if place == 0 or text[place - 1] in edges:
                opens.append(place)
        elif text[place + 1 : place + 2] == b'"':
            skipped = place + 1
        else:
            closes.append(place)
    if len(opens) > len(closes):
        closes.append(len(text))
    return np.array(opens, np.int64), np.array(closes, np.int64)
