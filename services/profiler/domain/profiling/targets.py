"""Which column is likely to be predicted, and what kind of prediction that is."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from fairlead.kit.errors import FieldViolation, InvalidArgument

from .associations import strongest
from .model import Association, ColumnProfile, Level, Semantic, Target, TargetGuess, TaskKind
from .semantics import words_of
from .vocabulary import NO_TARGET_BESIDE, TARGET_WORDS

# A numeric target with at most this many distinct whole numbers is a set of classes.
MOST_CLASSES_OF_NUMBERS = 20
_MOST_CLASSES = 50
_NEVER = {Semantic.IDENTIFIER, Semantic.CONSTANT, Semantic.TEXT, Semantic.DATETIME}
# What each sign of a target is worth.
_NAME, _LAST, _FIRST, _NEAR_LAST = 1.0, 0.4, 0.12, 0.1
_TWO_CLASSES, _FEW_CLASSES, _EXPLAINED, _ONLY_TEXT = 0.15, 0.08, 0.2, 0.15
_MISSING, _MANY_CLASSES = -0.5, -0.1

_CONDITION = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(.+?)\s*")


@dataclass(frozen=True)
class _Sign:
    worth: float
    reason: str


def guess_target(columns: Sequence[ColumnProfile], pairs: Sequence[Association]) -> TargetGuess | None:
    """Return the column with the most signs of a target, the signs as reason, and how far it is ahead as confidence.

    None where no column can be a target: all are identifiers, constants, free text, dates or mostly missing.
    """
    able = [column for column in columns if _is_able(column)]
    scored = sorted(((_signs(column, columns, pairs), column) for column in able), key=lambda item: -_total(item[0]))
    if not scored:
        return None
    signs, best = scored[0]
    ahead = _total(signs) - (_total(scored[1][0]) if len(scored) > 1 else 0.0)
    confidence = 0.05 + 0.93 * (1 - math.exp(-1.2 * max(_total(signs), 0.0))) * (0.45 + 0.55 * min(1.0, ahead / 0.5))
    reason = "; ".join(sign.reason for sign in sorted(signs, key=lambda sign: -sign.worth) if sign.worth > 0)
    said = reason or "no column stands out"
    return TargetGuess(best.name, f"{said[0].upper()}{said[1:]}.", round(min(confidence, 0.98), 2))


def task_kind(column: ColumnProfile, condition: str = "") -> TaskKind:
    """Return what kind of prediction the column poses.

    A condition or two distinct values make two classes; texts, and up to 20 distinct whole numbers, make several;
    other numbers are regression. Raises InvalidArgument for a column without two values, and for dates.
    """
    if column.distinct < 2:
        raise InvalidArgument(
            f"the target '{column.name}' has {column.distinct} distinct values; choose a column with at least two",
            violations=[FieldViolation("target.column", "needs at least two distinct values")],
        )
    if column.type == "TIMESTAMP":
        raise InvalidArgument(
            f"the target '{column.name}' holds dates, which can't be predicted; choose a number or a category",
            violations=[FieldViolation("target.column", "must not be a date")],
        )
    if condition or column.distinct == 2:
        return TaskKind.BINARY
    if column.numbers is None:
        return TaskKind.MULTICLASS
    few = column.numbers.whole and column.distinct <= MOST_CLASSES_OF_NUMBERS
    return TaskKind.MULTICLASS if few else TaskKind.REGRESSION


def parse_condition(condition: str) -> tuple[str, str]:
    """Return the operator and operand of a target's condition, such as ("> ", "0"); ("", "") for none.

    Raises InvalidArgument for anything else.
    """
    if not condition:
        return "", ""
    match = _CONDITION.fullmatch(condition)
    if match is None or (match[1] in {">", ">=", "<", "<="} and not _is_number(match[2])):
        raise InvalidArgument(
            f"the condition '{condition}' is no comparison; write such as '> 0' or '== yes'",
            violations=[FieldViolation("target.condition", "must be an operator (>, >=, <, <=, ==, !=) and a value")],
        )
    return match[1], match[2].strip("'\"")


def class_levels(target: Target, column: ColumnProfile, true_count: int | None) -> tuple[Level, ...]:
    """Return the target's classes with their rows, most frequent first; true_count is for a target with a condition."""
    if true_count is not None:
        classes = [Level("true", true_count), Level("false", column.count - true_count)]
        return tuple(sorted(classes, key=lambda level: -level.count))
    return column.levels if task_kind(column, target.condition) is not TaskKind.REGRESSION else ()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_able(column: ColumnProfile) -> bool:
    many = column.numbers is None and column.distinct > _MOST_CLASSES
    return column.semantic not in _NEVER and column.missing_share <= 0.5 and not many


def _total(signs: Sequence[_Sign]) -> float:
    return sum(sign.worth for sign in signs)


def _signs(column: ColumnProfile, columns: Sequence[ColumnProfile], pairs: Sequence[Association]) -> list[_Sign]:
    signs = [_name_sign(column.name, columns), *_position_signs(column, columns), *_type_signs(column, columns)]
    related = [value for other, value in strongest(pairs, column.name)][:3]
    if related:
        signs.append(
            _Sign(
                _EXPLAINED * sum(related) / len(related),
                f"other columns explain it (association up to {related[0]:.2f})",
            )
        )
    if column.missing:
        signs.append(_Sign(_MISSING * column.missing_share - 0.1, "some values are missing"))
    return [sign for sign in signs if sign.worth]


def _name_sign(name: str, columns: Sequence[ColumnProfile]) -> _Sign:
    words = words_of(name)
    whole = "".join(words)
    beside = NO_TARGET_BESIDE.get(whole)
    if any(other.name.lower() == beside for other in columns):
        return _Sign(0.0, "")
    candidates = [(TARGET_WORDS.get(whole, 0.0), whole)]
    # A single letter says something as the whole name only.
    for i, word in enumerate(words):
        if len(word) > 1:
            weight = 0.9 if i == len(words) - 1 else 0.7 if i == 0 else 0.4
            candidates.append((weight * TARGET_WORDS.get(word, 0.0), word))
    worth, word = max(candidates)
    return _Sign(_NAME * worth, f"its name says '{word}'")


def _position_signs(column: ColumnProfile, columns: Sequence[ColumnProfile]) -> list[_Sign]:
    names = [other.name for other in columns if other.semantic not in _NEVER or other is column]
    position = names.index(column.name)
    if position == len(names) - 1:
        return [_Sign(_LAST, "it is the last column")]
    if position == 0:
        return [_Sign(_FIRST, "it is the first column")]
    return [_Sign(_NEAR_LAST, "it is the last column but one")] if position == len(names) - 2 else []


def _type_signs(column: ColumnProfile, columns: Sequence[ColumnProfile]) -> list[_Sign]:
    signs = []
    if column.distinct == 2:
        signs.append(_Sign(_TWO_CLASSES, "it has two values"))
    elif column.numbers is None and column.distinct <= _MOST_CLASSES:
        many = column.distinct > MOST_CLASSES_OF_NUMBERS
        signs.append(_Sign(_MANY_CLASSES if many else _FEW_CLASSES, f"it has {column.distinct} classes"))
    texts = [other for other in columns if other.type == "VARCHAR" and other.semantic is not Semantic.IDENTIFIER]
    if len(columns) > 3 and texts == [column] and sum(other.is_number for other in columns) == len(columns) - 1:
        signs.append(_Sign(_ONLY_TEXT, "it is the only text among numbers"))
    return signs
