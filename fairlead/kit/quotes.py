"""Quoted cells of delimited text: which are legal, and which quotes stand where none should.

A quote opens a cell only as its first sign; elsewhere outside of quotes it is a sign like others (5" disk). The cell
closes at the next quote that is not doubled, behind which the cell must end. Whoever reads text row by row goes on
behind the line of a stray quote, so that it costs this row and not all that come after it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cache

CELL_LINES = 256
"""How many line breaks a quoted cell may have: a stray quote that another one happens to close swallows rows."""
CELL_BYTES = 2_000_000
"""How long a cell of more than one line may be; the importer of datasets takes no longer record."""
STRAY_QUOTE = "has a quote that is not closed or that closes in the middle of a value"


@dataclass
class Quotes:
    """What a text's quotes mean.

    end: where its last whole record ends; text behind it may still become one.
    stray: where the records with a stray quote begin, and where the line of the quote ends, line break included.
    """

    end: int = 0
    stray: list[tuple[int, int]] = field(default_factory=list)


def read_quotes(text: bytes, delimiter: str, *, is_all: bool) -> Quotes:
    """Return what the quotes of a text that begins with a record mean; is_all tells that nothing comes behind it.

    Text behind the returned end may be passed again, with more behind it, for the same result.
    """
    cell, plain = _cell(delimiter), _plain_cells(delimiter)
    edges = f"{delimiter}\r\n".encode()
    quotes = Quotes()
    # Of the cells that go over line breaks.
    opens: list[int] = []
    closes: list[int] = []
    # Behind the last stray line.
    start = at = 0
    while (opened := text.find(b'"', at)) >= 0:
        if opened and text[opened - 1] not in edges:
            at = opened + 1
            continue
        if run := plain.match(text, opened):
            at = run.end()
            continue
        found = cell.match(text, opened)
        assert found is not None, "it matches a quote alone"
        closed = found.end()
        lines = text.count(b"\n", opened, closed)
        too_long = lines > CELL_LINES or (lines and closed - opened > CELL_BYTES)
        if too_long or (not found[1] and (is_all or closed < len(text))):
            stop = text.find(b"\n", opened) + 1
            if stop == 0 and not is_all:
                break
            quotes.stray.append((max(start, _end_before(text, opened, opens, closes)), stop or len(text)))
            start = at = quotes.stray[-1][1]
            continue
        if lines:
            opens.append(opened)
            closes.append(closed)
        at = closed
    quotes.end = len(text) if is_all else max(start, _end_before(text, len(text), opens, closes))
    return quotes


def _end_before(text: bytes, place: int, opens: list[int], closes: list[int]) -> int:
    """Return where the last record ends that does so before this place, outside of the cells; 0 for none."""
    while (found := text.rfind(b"\n", 0, place)) >= 0:
        before = bisect_left(opens, found)
        if before == 0 or closes[before - 1] <= found:
            return found + 1
        place = opens[before - 1]
    return 0


@cache
def _cell(delimiter: str) -> re.Pattern[bytes]:
    """Return what matches a cell from its quote on, as far as it goes; its group is the quote that ends it well."""
    edge = re.escape(delimiter).encode()
    return re.compile(rb'"[^"]*+(?:""[^"]*+)*+("(?=[\r\n' + edge + rb"]|\Z))?")


@cache
def _plain_cells(delimiter: str) -> re.Pattern[bytes]:
    """Return what matches legal cells in a row that have no line breaks and no quotes within, up to the next quote."""
    edge = rb"[\r\n" + re.escape(delimiter).encode() + b"]"
    return re.compile(rb"(?:(?:(?<=" + edge + rb')|\A)"[^"\n]*+"(?=' + edge + rb'|\Z)[^"]*+)++')
