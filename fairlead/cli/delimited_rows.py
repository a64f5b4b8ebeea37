"""Rows of a small delimited file, read as where files are imported or predicted in batch."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import typer

# Both are words and rules alone, without what the rest of the kit is built on.
from fairlead.kit.missing_words import CODE, TEXT_TOKENS, VALUE_TOKENS
from fairlead.kit.quotes import STRAY_QUOTE, read_quotes

Row = dict[str, Any]
_INTEGER = re.compile(r"[+-]?(0|[1-9]\d*)")
_DECIMAL = re.compile(r"[+-]?((0|[1-9]\d*)?\.\d+|(0|[1-9]\d*)\.?)([eE][+-]?\d+)?")
_DELIMITERS = ",;\t|"
_TRUTH = frozenset({"true", "false", "yes", "no"})
_is_code = re.compile(CODE).fullmatch


def value_of(text: str) -> Any:
    """Return what a person means by a text: a number where it is written as one, None for nothing, text else.

    "007" and "nan" stay texts: the one is more likely a code, the other no number in JSON.
    """
    if text == "":
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def delimited_rows(text: str, name: str) -> tuple[list[Row], list[int]]:
    """Return the rows below the header, and in which line of the file each begins.

    Blank cells and the words that files write for "no value" are None. Raises BadParameter, which names the file, for
    the first line that can't be read.
    """
    blank = text[: len(text) - len(text.lstrip())].count("\n")
    text = text.lstrip()
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    if stray := read_quotes(text.encode(), delimiter, is_all=True).stray:
        line = text.encode().count(b"\n", 0, stray[0][0]) + 1 + blank
        raise _refusal(name, line, STRAY_QUOTE)
    (_, header), *records = [*_records(text, delimiter, name, blank)] or [(1, [])]
    for line, record in records:
        if len(record) != len(header):
            raise _refusal(name, line, f"has {len(record)} values instead of the header's {len(header)}")
    columns = [_values([record[place] for _, record in records]) for place in range(len(header))]
    rows = [dict(zip(header, values, strict=True)) for values in zip(*columns, strict=True)]
    return rows, [line for line, _ in records]


def _records(text: str, delimiter: str, name: str, before: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank, and its first line's number."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    while True:
        line = reader.line_num + 1 + before
        try:
            record = next(reader, None)
        except csv.Error as error:
            longest = f"has a value of more than {csv.field_size_limit():,} signs"
            raise _refusal(name, line, longest if "larger than" in str(error) else f"is no CSV ({error})") from error
        if record is None:
            return
        if record:
            yield line, record


def _values(cells: Sequence[str]) -> list[Any]:
    """Return a column's values; which words mean "no value" in it is told by its other cells."""
    texts = [cell for cell in cells if cell.strip() and cell.strip() not in TEXT_TOKENS]
    plain = [text for text in texts if text.strip() not in VALUE_TOKENS]
    words = set(TEXT_TOKENS)
    if plain and all(map(_is_plain, plain)):
        words |= set(VALUE_TOKENS)
    elif texts and all(map(_is_code, texts)):
        words.discard("NA")
    return [_value(cell, words) for cell in cells]


def _value(cell: str, words: set[str]) -> Any:
    text = cell.strip()
    if not text or text in words:
        return None
    value = value_of(text)
    return cell if isinstance(value, str) else value


def _is_plain(text: str) -> bool:
    """Return whether it is a number, a date or a truth value."""
    text = text.strip()
    if not isinstance(value_of(text), str) or text.lower() in _TRUTH:
        return True
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _refusal(name: str, line: int, reason: str) -> typer.BadParameter:
    return typer.BadParameter(f"{name}, read as CSV: line {line} {reason}; nothing was predicted")
