"""What a person should look at before anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..profiling.associations import strongest
from ..profiling.model import ColumnProfile, Semantic, TableProfile, TaskKind
from .preview import percent

_LEAK = 0.98
_WEAK_GUESS = 0.4
# A class is rare below this share of what it would have, were all classes equal.
_RARE_SHARE = 0.3
_FEW_ROWS = 200
_RARE_CLASS = 5
# Numbers that systems write for "not measured".
_SENTINELS = (-1.0, -9.0, -99.0, -200.0, -999.0, -9999.0, 999.0, 9999.0, 99999.0)
_SENTINEL_SHARE = 0.01


def warn(table: TableProfile) -> tuple[str, ...]:
    """Return the warnings, one sentence each."""
    return tuple(sentence for rule in _RULES for sentence in rule(table))


def _sampled(table: TableProfile) -> Iterator[str]:
    if table.sampled_rows:
        yield f"Distributions are estimated from {table.sampled_rows:,} of {table.rows:,} rows."


def _no_target(table: TableProfile) -> Iterator[str]:
    if table.target is None:
        yield "No column looks like a target; name one to get suggestions for it."
    elif table.guess is not None and table.guess.column == table.target.column and table.guess.confidence < _WEAK_GUESS:
        name, sure = table.target.column, table.guess.confidence
        yield f"The target '{name}' is a weak guess ({sure:.2f}); name the target to be sure."


def _missing_target(table: TableProfile) -> Iterator[str]:
    if table.target is not None and (missing := table.column(table.target.column).missing):
        yield f"{missing:,} rows have no value of the target '{table.target.column}'; they can't be learnt from."


def _classes(table: TableProfile) -> Iterator[str]:
    if not table.classes or table.target is None or table.task is TaskKind.REGRESSION:
        return
    total = sum(level.count for level in table.classes)
    rarest = table.classes[-1]
    if rarest.count < _RARE_CLASS:
        rare = sum(level.count < _RARE_CLASS for level in table.classes)
        yield (
            f"{rare} classes of '{table.target.column}' have under {_RARE_CLASS} rows ('{rarest.value}' has "
            f"{rarest.count}); they can't be learnt or checked."
        )
    elif rarest.count < _RARE_SHARE * total / len(table.classes):
        yield (
            f"The classes are imbalanced: '{rarest.value}' is {percent(rarest.count / total)} of the rows; "
            "look at more than accuracy."
        )


def _leaks(table: TableProfile) -> Iterator[str]:
    if table.target is None:
        return
    for other, value in strongest(table.associations, table.target.column)[:3]:
        if value >= _LEAK:
            yield f"'{other}' nearly gives the target away (association {value:.3f}); is it known when predicting?"
    yield from _sums(table)


def _sums(table: TableProfile) -> Iterator[str]:
    """Warn of two columns whose means add up to the target's, as parts of a total do."""
    target = table.column(table.target.column) if table.target else None
    if target is None or target.numbers is None or table.task is not TaskKind.REGRESSION:
        return
    close = {name for name, value in strongest(table.associations, target.name) if value > 0.5}
    parts = [c for c in table.features if c.name in close and c.numbers is not None]
    for i, left in enumerate(parts):
        for right in parts[i + 1 :]:
            if left.numbers and right.numbers and _adds_up(left, right, target):
                yield f"'{left.name}' and '{right.name}' seem to add up to the target; are they known when predicting?"


def _adds_up(left: ColumnProfile, right: ColumnProfile, target: ColumnProfile) -> bool:
    if left.numbers is None or right.numbers is None or target.numbers is None:
        return False
    total = left.numbers.mean + right.numbers.mean
    return abs(total - target.numbers.mean) < 1e-6 * max(abs(target.numbers.mean), 1.0)


def _sentinels(table: TableProfile) -> Iterator[str]:
    found: dict[float, list[str]] = {}
    for column in table.features:
        numbers = column.numbers
        if numbers is None or not column.is_number:
            continue
        for level in column.levels[:5]:
            value = float(level.value)
            edge = value in (numbers.min, numbers.max) and value in _SENTINELS
            if edge and level.count > _SENTINEL_SHARE * column.count and _stands_apart(column, value):
                found.setdefault(value, []).append(f"'{column.name}' ({level.count:,} rows)")
    for value, columns in found.items():
        shown = ", ".join(columns[:5]) + (f" and {len(columns) - 5} more columns" if len(columns) > 5 else "")
        yield f"{value:g} may stand for missing in {shown}; if so, make those cells empty and upload again."


def _stands_apart(column: ColumnProfile, value: float) -> bool:
    """Tell whether a value lies far from the middle half of the others."""
    assert column.numbers is not None
    middle = [v for p, v in column.numbers.quantiles if p in (0.25, 0.5, 0.75, 0.95) and v != value]
    return bool(middle) and all(abs(value - other) > max(1.0, 0.25 * abs(other)) for other in middle)


def _poor_columns(table: TableProfile) -> Iterator[str]:
    if all(c.semantic in {Semantic.IDENTIFIER, Semantic.CONSTANT, Semantic.TEXT} for c in table.features):
        yield "No column is left that a model can use: all others are identifiers, constants or free text."


def _few_rows(table: TableProfile) -> Iterator[str]:
    if table.rows < _FEW_ROWS:
        yield f"{table.rows:,} rows are few; scores will vary much between splits."


def _duplicates(table: TableProfile) -> Iterator[str]:
    if table.duplicates > 0.05 * table.rows:
        yield f"{table.duplicates:,} rows ({percent(table.duplicates / table.rows)}) are duplicates of earlier ones."


_RULES: tuple[Callable[[TableProfile], Iterator[str]], ...] = (
    _no_target, _missing_target, _classes, _leaks, _sentinels, _poor_columns, _few_rows, _duplicates, _sampled,
)  # fmt: skip
