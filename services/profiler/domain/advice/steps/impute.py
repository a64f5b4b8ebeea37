"""Values for cells that have none."""

from __future__ import annotations

from ...profiling.model import ColumnProfile, Semantic
from ..model import Situation, Step
from ..preview import percent, step_id, text_table

# Above this skewness the mean is drawn away from the middle, so the median is taken.
_SKEWED = 1.0
# From this share on, that a category is missing may tell something, so it becomes a category.
_TELLING = 0.02
MISSING_LABEL = "missing"


def suggest(situation: Situation) -> list[Step]:
    """Return up to five steps: numbers by mean or median, dates, truth values and categories."""
    open_ = [column for column in situation.features if column.missing and column.count]
    numbers = [column for column in open_ if column.is_number]
    skewed = [column for column in numbers if column.numbers and abs(column.numbers.skewness) > _SKEWED]
    even = [column for column in numbers if column not in skewed]
    dates = [column for column in open_ if column.semantic is Semantic.DATETIME]
    flags = [column for column in open_ if column.semantic is Semantic.BOOLEAN and not column.is_category]
    categories = [column for column in open_ if column.is_category]
    telling = [column for column in categories if column.missing_share >= _TELLING]
    few = [column for column in categories if column not in telling] + flags
    return [
        *_numbers(situation, skewed, "median", "skewed"),
        *_numbers(situation, even, "mean", "even"),
        *_dates(situation, dates),
        *_categories(situation, few, "most_frequent"),
        *_categories(situation, telling, "constant"),
    ]


def _numbers(situation: Situation, columns: list[ColumnProfile], strategy: str, group: str) -> list[Step]:
    if not columns:
        return []
    first = columns[0]
    rows = []
    for column in columns:
        assert column.numbers is not None
        fill = column.numbers.quantile(0.5) if strategy == "median" else column.numbers.mean
        after = (column.numbers.mean * column.count + fill * column.missing) / column.rows
        rows.append(
            (column.name, f"{column.missing:,} -> 0", f"{column.numbers.mean:.4g} -> {after:.4g}", f"{fill:.4g}")
        )
    assert first.numbers is not None
    evenness = "skewed" if strategy == "median" else "spread evenly enough"
    shape = f"its values are {evenness} (skewness {first.numbers.skewness:.2f})"
    rationale = (
        f"Values are missing in {situation.named(columns)} ('{first.name}' {first.missing:,}, "
        f"{percent(first.missing_share)}); {shape}, so the {strategy} stands in."
    )
    preview = text_table(("column", "missing", "mean", strategy), rows)
    return [_step(columns, f"numbers-{group}", {"strategy": strategy}, rationale, preview)]


def _dates(situation: Situation, columns: list[ColumnProfile]) -> list[Step]:
    if not columns:
        return []
    first = columns[0]
    rationale = (
        f"Dates are missing in {situation.named(columns)} ('{first.name}' {first.missing:,}, "
        f"{percent(first.missing_share)}); "
        "the median of each calendar part stands in."
    )
    preview = text_table(("column", "missing"), [(c.name, f"{c.missing:,} -> 0") for c in columns])
    return [_step(columns, "dates", {"strategy": "median"}, rationale, preview)]


def _categories(situation: Situation, columns: list[ColumnProfile], strategy: str) -> list[Step]:
    if not columns:
        return []
    first = columns[0]
    rows = [
        (c.name, f"{c.missing:,} -> 0", MISSING_LABEL if strategy == "constant" else c.levels[0].value) for c in columns
    ]
    how = (
        f"'{MISSING_LABEL}' becomes a category, since that a value is missing may tell something"
        if strategy == "constant"
        else "few enough for the most frequent value to stand in"
    )
    rationale = (
        f"Values are missing in {situation.named(columns)} ('{first.name}' {first.missing:,}, "
        f"{percent(first.missing_share)}); {how}."
    )
    params: dict[str, object] = {"strategy": strategy}
    if strategy == "constant":
        params["fill_value"] = MISSING_LABEL
    preview = text_table(("column", "missing", "filled with"), rows)
    return [_step(columns, f"categories-{strategy.replace('_', '-')}", params, rationale, preview)]


def _step(columns: list[ColumnProfile], group: str, params: dict[str, object], rationale: str, preview: str) -> Step:
    names = tuple(column.name for column in columns)
    return Step(step_id("impute", columns, group), "impute", names, 0.9, rationale, preview, params)
