"""Cells of text files as models read them, and the words that files write for "no value"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fairlead.kit.missing_words import CODE, TEXT_TOKENS, VALUE_TOKENS, tokens_for_text

from ..models.schema import Kind
from ..requests.columns import TRUTH
from ..requests.datetimes import to_epoch_seconds

_is_code = re.compile(CODE).fullmatch
_MISSING_VALUES = frozenset({"", *TEXT_TOKENS, *VALUE_TOKENS})

NOT_A = {
    Kind.NUMBER: "is not a number",
    Kind.BOOLEAN: "is not true or false",
    Kind.DATETIME: "is not an ISO 8601 date and time of the years 1 to 9999",
    Kind.TEXT: "is not text",
}


@dataclass(frozen=True)
class MissingTexts:
    """Which texts mean "missing" in a text column: the usual words, but for those the model knows as values.

    NA is another code where all that it knows are two-letter codes, as where a dataset is imported.
    """

    known: dict[str, frozenset[str]]
    """The values the model was trained on, by column."""

    def words(self, column: str) -> frozenset[str]:
        """Return the words that mean missing in this column."""
        known = self.known.get(column, frozenset())
        codes = bool(known) and all(map(_is_code, known))
        return frozenset(tokens_for_text(codes)) - known


def missing_texts(values: Iterable[tuple[str, Iterable[str]]]) -> MissingTexts:
    """Return the words of each column, given the values that the model knows of it."""
    return MissingTexts({column: frozenset(known) for column, known in values})


def number_of(kind: Kind, text: str) -> float:
    """Return a cell as a model reads it; NaN for missing. Raises ValueError where it can't be read."""
    text = text.strip()
    if text in _MISSING_VALUES:
        return float("nan")
    if kind is Kind.BOOLEAN:
        truth = TRUTH.get(text.lower())
        if truth is None:
            raise ValueError(text)
        return truth
    if kind is Kind.DATETIME:
        return to_epoch_seconds(text)
    if "_" in text:
        raise ValueError(text)
    return float(text)
