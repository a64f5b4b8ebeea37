"""What random forests and extra trees share: size limits, and growth in steps that heeds the clock."""

from __future__ import annotations

from typing import Any

from .family import Choice, Dimension, Fit, FitRequest, Integer, Params, Problem

# Leaves of the whole forest, and numbers in them (one a class). More cost a server tens of megabytes for little gain.
_MAX_LEAVES = 200_000
_MAX_LEAF_VALUES = 1_500_000
# Rows that a leaf holds for each row it must hold, as seen on real tables.
_ROWS_A_LEAF = 2.0
_TREES = 100
_STEP = 20


def smallest_leaf(problem: Problem) -> int:
    """Rows a leaf must hold so that the forest keeps to its size limit."""
    leaves = min(_MAX_LEAVES, _MAX_LEAF_VALUES // max(1, problem.classes))
    return max(1, round(problem.rows * _TREES / (_ROWS_A_LEAF * leaves)))


def forest_portfolio(problem: Problem) -> tuple[Params, ...]:
    """Fully grown (within the size limit) and smoother trees."""
    leaf = smallest_leaf(problem)
    features: tuple[float | str, float | str] = (0.5, 0.33) if problem.is_regression else ("sqrt", 0.33)
    return (
        {"n_estimators": _TREES, "min_samples_leaf": leaf, "max_features": features[0]},
        {"n_estimators": _TREES, "min_samples_leaf": max(3, 2 * leaf), "max_features": features[1]},
    )


def forest_space(problem: Problem) -> dict[str, Dimension]:
    """Size of leaves and columns weighed at each split; more trees only cost time."""
    leaf = smallest_leaf(problem)
    return {
        "n_estimators": Choice((_TREES,)),
        "min_samples_leaf": Integer(leaf, max(leaf + 10, min(20 * leaf, problem.rows // 20)), log=True),
        "max_features": Choice(("sqrt", 0.2, 0.33, 0.5, 0.75)),
    }


def forest_cost(problem: Problem, params: Params, per_cell: float) -> float:
    """Proportional to trees, rows and the columns weighed at each split."""
    share = params["max_features"]
    weighed = problem.columns**0.5 if isinstance(share, str) else problem.columns * float(share)
    return 0.1 + per_cell * int(params["n_estimators"]) * problem.rows * max(2.0, weighed) / 1e6


def grow_forest(estimator: Any, request: FitRequest) -> Fit:
    """The forest, grown a few trees at a time until it is whole or time is up (it then has fewer trees)."""
    wanted = int(request.params["n_estimators"])
    grown, before = 0, request.remaining()
    while grown < wanted:
        step = min(_STEP, wanted - grown)
        estimator.set_params(n_estimators=grown + step, warm_start=True)
        estimator.fit(request.features, request.target)
        grown += step
        left = request.remaining()
        per_step, before = before - left, left
        if grown < wanted and left < per_step:
            break
    estimator.set_params(warm_start=False)
    return Fit(estimator, {**request.params, "n_estimators": grown}, truncated=grown < wanted)
