"""One decision tree."""

from __future__ import annotations

from .family import Fit, FitRequest, Integer, Params, Problem, Space


class DecisionTree:
    """A single CART tree: the readable yardstick of the leaderboard."""

    name = "decision_tree"
    interruptible = False

    def portfolio(self, problem: Problem) -> tuple[Params, ...]:
        """A tree whose leaves hold enough rows to estimate a probability."""
        return ({"max_depth": 8, "min_samples_leaf": max(5, min(50, problem.rows // 200))},)

    def space(self, problem: Problem) -> Space:
        """Depth and size of leaves."""
        return {
            "max_depth": Integer(3, 16),
            "min_samples_leaf": Integer(2, max(4, min(200, problem.rows // 10)), log=True),
        }

    def cost(self, problem: Problem, params: Params) -> float:
        """Sorting each column at each level."""
        return 0.005 + 0.012 * problem.rows * problem.columns / 1e6 * int(params["max_depth"])

    def fit(self, request: FitRequest) -> Fit:
        """Gini impurity for classes, squared error for values."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        kind = DecisionTreeRegressor if request.problem.is_regression else DecisionTreeClassifier
        estimator = kind(random_state=request.seed, **request.params)
        return Fit(estimator.fit(request.features, request.target), request.params)
