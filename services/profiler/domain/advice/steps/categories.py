"""How each category column is to be encoded; the encoding steps share this one decision."""

from __future__ import annotations

from ...profiling.model import ColumnProfile, Semantic
from ...profiling.vocabulary import ORDERED_CATEGORIES
from ..model import Situation

MIN_SHARE = 0.01
# Rare categories are grouped only where they make up at most this share of the rows together.
_RARE_TOGETHER = 0.2
# Up to this many categories get a feature each; more are encoded by the target.
MOST_ONE_HOT = 12
_FEWEST_ORDERED = 3


def rare_levels(column: ColumnProfile) -> tuple[int, int]:
    """Return how many categories have under 1 % of the rows, and their rows; (0, 0) where grouping would lose much."""
    listed = [level.count for level in column.levels]
    rare = [count for count in listed if count < MIN_SHARE * column.rows]
    levels = len(rare) + column.distinct - len(listed)
    rows = sum(rare) + column.count - sum(listed)
    if levels < 2 or rows > _RARE_TOGETHER * column.count or order_of(column):
        return 0, 0
    return levels, rows


def order_of(column: ColumnProfile) -> tuple[str, ...]:
    """Return the column's values from low to high where the vocabulary knows their order, else ()."""
    if column.semantic is not Semantic.CATEGORICAL or not _FEWEST_ORDERED <= column.distinct <= len(column.levels):
        return ()
    values = {level.value.strip().lower(): level.value for level in column.levels}
    for order in ORDERED_CATEGORIES:
        if len(values) == column.distinct and values.keys() <= set(order):
            return tuple(values[word] for word in order if word in values)
    return ()


def encoding_of(column: ColumnProfile) -> str:
    """Return ordinal, one_hot or target_encode for a category column."""
    if column.distinct == 2 or order_of(column):
        return "ordinal"
    levels, _ = rare_levels(column)
    left = column.distinct - levels + (levels > 0)
    return "one_hot" if left <= MOST_ONE_HOT else "target_encode"


def encoded_as(situation: Situation, encoding: str) -> list[ColumnProfile]:
    """Return the features that get this encoding."""
    return [column for column in situation.features if column.is_category and encoding_of(column) == encoding]
