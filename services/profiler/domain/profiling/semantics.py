"""What a column means, and why."""

from __future__ import annotations

import re
from dataclasses import replace

from .model import ColumnProfile, Semantic
from .vocabulary import BOOLEAN_PAIRS, IDENTIFIER_WORDS

# Shares of distinct values above which a column counts as all different.
_UNIQUE = 0.98
_MOSTLY_DIFFERENT = 0.5
# Words and characters from which a text is free text.
_TEXT_WORDS = 2.5
_TEXT_LENGTH = 40.0
_FEW_ROWS = 20
_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z])(?=\d)")


def words_of(name: str) -> tuple[str, ...]:
    """Return the lower-case words of a column's name: 'customerID' gives customer and id."""
    return tuple(word.lower() for word in _SPLIT.split(name) if word)


def with_meaning(column: ColumnProfile) -> ColumnProfile:
    """Return the column with its semantic type and the reason for it, in one sentence."""
    semantic, reason = _meaning(column)
    return replace(column, semantic=semantic, reason=reason)


def _meaning(column: ColumnProfile) -> tuple[Semantic, str]:
    if not column.count:
        return Semantic.CONSTANT, "Every value is missing."
    if column.distinct == 1:
        return Semantic.CONSTANT, f"Every value is '{column.levels[0].value[:40]}'."
    if column.type == "BOOLEAN":
        return Semantic.BOOLEAN, "Stored as true and false."
    if column.type == "TIMESTAMP":
        return Semantic.DATETIME, "Every value reads as a date or time."
    return _number(column) if column.numbers is not None else _text(column)


def _number(column: ColumnProfile) -> tuple[Semantic, str]:
    numbers = column.numbers
    assert numbers is not None
    if column.distinct == 2 and (numbers.min, numbers.max) == (0.0, 1.0):
        return Semantic.BOOLEAN, "Only 0 and 1 occur."
    if not numbers.whole:
        return (
            Semantic.NUMERIC,
            f"{column.distinct:,} distinct numbers from {numbers.min:g} to {numbers.max:g}, some with fractions.",
        )
    unique = column.type == "BIGINT" and column.distinct == column.count and column.count >= _FEW_ROWS
    if unique and numbers.max - numbers.min == column.count - 1:
        return (
            Semantic.IDENTIFIER,
            f"Counts the rows: each whole number from {numbers.min:.0f} to {numbers.max:.0f} once.",
        )
    hints = _identifier_words(column.name)
    if column.type == "BIGINT" and hints and column.distinct >= _UNIQUE * column.count and column.count >= _FEW_ROWS:
        return (
            Semantic.IDENTIFIER,
            f"Its name says '{hints[0]}' and {column.distinct:,} of {column.count:,} values differ.",
        )
    return Semantic.INTEGER, f"{column.distinct:,} distinct whole numbers from {numbers.min:.0f} to {numbers.max:.0f}."


def _text(column: ColumnProfile) -> tuple[Semantic, str]:
    share = column.distinct / column.count
    values = {level.value.strip().lower() for level in column.levels[:2]}
    if column.distinct == 2 and frozenset(values) in BOOLEAN_PAIRS:
        shown = " and ".join(f"'{level.value}'" for level in column.levels[:2])
        return Semantic.BOOLEAN, f"Only {shown} occur."
    enough = column.count >= _FEW_ROWS
    wordy = column.mean_words >= _TEXT_WORDS or column.mean_length >= _TEXT_LENGTH
    if enough and share >= _UNIQUE and not wordy:
        return Semantic.IDENTIFIER, f"{column.distinct:,} of {column.count:,} short texts differ."
    if enough and _identifier_words(column.name) and share >= 0.9 and column.mean_words < 2:
        return Semantic.IDENTIFIER, f"Its name says so, and {column.distinct:,} of {column.count:,} values differ."
    if wordy and share >= _MOSTLY_DIFFERENT and enough:
        return Semantic.TEXT, (
            f"Free text: {column.distinct:,} of {column.count:,} values differ, "
            f"{column.mean_words:.1f} words and {column.mean_length:.0f} characters on average."
        )
    return Semantic.CATEGORICAL, f"{column.distinct:,} distinct texts in {column.count:,} values."


def _identifier_words(name: str) -> list[str]:
    words = words_of(name)
    return [word for word in words if word in IDENTIFIER_WORDS] if words else []
