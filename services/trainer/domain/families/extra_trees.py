"""Extremely randomised trees: split points drawn at random, rows not resampled."""

from __future__ import annotations

from .family import Fit, FitRequest, Params, Problem, Space
from .forest import forest_cost, forest_portfolio, forest_space, grow_forest

# Seconds a tree takes for a million row-column pairs on two cores.
_PER_CELL = 0.013


class ExtraTrees:
    """scikit-learn's ExtraTreesClassifier and ExtraTreesRegressor."""

    name = "extra_trees"
    interruptible = True

    def portfolio(self, problem: Problem) -> tuple[Params, ...]:
        """See forest_portfolio."""
        return forest_portfolio(problem)

    def space(self, problem: Problem) -> Space:
        """See forest_space."""
        return forest_space(problem)

    def cost(self, problem: Problem, params: Params) -> float:
        """See forest_cost."""
        return forest_cost(problem, params, _PER_CELL)

    def fit(self, request: FitRequest) -> Fit:
        """Grown in steps; fewer trees when time is up."""
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        kind = ExtraTreesRegressor if request.problem.is_regression else ExtraTreesClassifier
        estimator = kind(random_state=request.seed, n_jobs=request.threads, **request.params)
        return grow_forest(estimator, request)
