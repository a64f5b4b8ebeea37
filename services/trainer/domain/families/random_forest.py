"""Random forests: bagged trees with the best split of a few columns."""

from __future__ import annotations

from .family import Fit, FitRequest, Params, Problem, Space
from .forest import forest_cost, forest_portfolio, forest_space, grow_forest

# Seconds a tree takes for a million row-column pairs on two cores.
_PER_CELL = 0.016


class RandomForest:
    """scikit-learn's RandomForestClassifier and RandomForestRegressor."""

    name = "random_forest"
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
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        kind = RandomForestRegressor if request.problem.is_regression else RandomForestClassifier
        estimator = kind(random_state=request.seed, n_jobs=request.threads, **request.params)
        return grow_forest(estimator, request)
