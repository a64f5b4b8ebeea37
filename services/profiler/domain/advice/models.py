"""The families of models that suit a table, best first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..profiling.associations import strongest
from ..profiling.model import Semantic, TableProfile, TaskKind
from .model import ModelChoice
from .preview import percent
from .steps.categories import encoding_of, rare_levels

_SMALL, _LARGE = 1_000, 50_000
_IMBALANCED = 0.2


@dataclass(frozen=True)
class _Facts:
    rows: int
    features: int
    # Features after encoding.
    width: int
    categories: int
    missing: int
    rarest: float
    classes: int
    regression: bool
    best_linear: tuple[str, float]
    baseline: str


def suggest_models(table: TableProfile) -> tuple[ModelChoice, ...]:
    """Return all families, the most promising first, with reasons in figures; none without a target."""
    if table.target is None or table.task is None:
        return ()
    facts = _facts(table)
    choices = [
        ModelChoice(family, round(max(0.05, min(0.95, score)), 2), reason, _preview(facts, family), params)
        for family, judge in _FAMILIES
        for score, reason, params in [judge(facts)]
    ]
    return tuple(sorted(choices, key=lambda choice: -choice.confidence))


def _facts(table: TableProfile) -> _Facts:
    assert table.target is not None
    unused = {Semantic.IDENTIFIER, Semantic.CONSTANT, Semantic.TEXT}
    used = [column for column in table.features if column.semantic not in unused]
    categories = [column for column in used if column.is_category]
    width = len(used) - len(categories)
    for column in categories:
        levels, _ = rare_levels(column)
        width += column.distinct - levels + (levels > 0) if encoding_of(column) == "one_hot" else 1
    total = sum(level.count for level in table.classes)
    related = strongest(table.associations, table.target.column)
    return _Facts(
        table.rows, len(used), width, len(categories), sum(column.missing > 0 for column in used),
        table.classes[-1].count / total if total else 1.0, len(table.classes), table.task is TaskKind.REGRESSION,
        related[0] if related else ("", 0.0), _baseline(table, total),
    )  # fmt: skip


def _baseline(table: TableProfile, total: int) -> str:
    assert table.target is not None
    if total:
        most = table.classes[0]
        return f"always guessing '{most.value}' is right for {percent(most.count / total)} of the rows"
    numbers = table.column(table.target.column).numbers
    spread = numbers.stddev if numbers else 0.0
    return f"always guessing the mean is off by {spread:.4g} (root mean square)"


def _preview(facts: _Facts, family: str) -> str:
    return f"{family}: {facts.rows:,} rows x {facts.width} prepared features; to beat: {facts.baseline}"


def _lightgbm(facts: _Facts) -> tuple[float, str, dict[str, object]]:
    score = 0.9 - 0.25 * (facts.rows < _SMALL)
    leaves = 15 if facts.rows < _SMALL else 31 if facts.rows < _LARGE else 63
    reason = (
        f"Boosted trees learn interactions of {facts.features} columns quickly on {facts.rows:,} rows"
        + (f" and take the {facts.missing} columns with missing values as they are" if facts.missing else "")
        + ("; so few rows ask for small trees." if facts.rows < _SMALL else ".")
    )
    return score, reason, {"num_leaves": leaves, "learning_rate": 0.05 if facts.rows < _LARGE else 0.1}


def _xgboost(facts: _Facts) -> tuple[float, str, dict[str, object]]:
    reason = (
        f"Boosted trees, regularised otherwise than LightGBM's; {facts.rows:,} rows and {facts.width} features suit it."
    )
    return (
        0.86 - 0.25 * (facts.rows < _SMALL),
        reason,
        {"max_depth": 4 if facts.rows < _SMALL else 6, "learning_rate": 0.1},
    )


def _random_forest(facts: _Facts) -> tuple[float, str, dict[str, object]]:
    score = 0.76 + 0.06 * (facts.rows < _SMALL) - 0.1 * (facts.rows > _LARGE)
    reason = f"Averages deep trees, so it needs little tuning and is steady on {facts.rows:,} rows."
    return score, reason, {"n_estimators": 200, "min_samples_leaf": 1 if facts.rows < _SMALL else 2}


def _extra_trees(facts: _Facts) -> tuple[float, str, dict[str, object]]:
    score = 0.72 + 0.06 * (facts.rows < _SMALL) - 0.1 * (facts.rows > _LARGE)
    reason = f"Random splits make trees that differ more, which often helps {facts.width} features in an ensemble."
    return score, reason, {"n_estimators": 200, "min_samples_leaf": 1 if facts.rows < _SMALL else 2}


def _linear(facts: _Facts) -> tuple[float, str, dict[str, object]]:
    score = 0.55 + 0.25 * (facts.rows < _SMALL) + 0.15 * (facts.best_linear[1] > 0.6)
    name, value = facts.best_linear
    reason = (
        f"The strongest single column, '{name}', has an association of {value:.2f} with the target; " if name else ""
    )
    reason += "a linear model is quick, can be explained and sets the mark for the others."
    weights = not facts.regression and facts.rarest < _IMBALANCED
    return score, reason, {"class_weight": "balanced"} if weights and facts.rarest < 0.05 else {}


def _naive_bayes(facts: _Facts) -> tuple[float, str, dict[str, object]]:
    if facts.regression:
        return (
            0.05,
            "Predicts classes; for a number it stands for Bayesian linear regression, a quick second opinion.",
            {},
        )
    score = 0.3 + 0.15 * (facts.rows < _SMALL)
    return (
        score,
        f"Trains in one pass over {facts.rows:,} rows; columns are rarely independent, but it is another view.",
        {},
    )


def _decision_tree(facts: _Facts) -> tuple[float, str, dict[str, object]]:
    depth = 4 if facts.rows < _SMALL else 8
    return (
        0.35,
        f"One tree of depth {depth} can be read by a person; it scores lower than many of them.",
        {"max_depth": depth},
    )


_FAMILIES: tuple[tuple[str, Callable[[_Facts], tuple[float, str, dict[str, object]]]], ...] = (
    ("lightgbm", _lightgbm),
    ("xgboost", _xgboost),
    ("random_forest", _random_forest),
    ("extra_trees", _extra_trees),
    ("linear", _linear),
    ("naive_bayes", _naive_bayes),
    ("decision_tree", _decision_tree),
)
