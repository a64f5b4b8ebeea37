"""Linear models: logistic regression for classes, ridge regression for values."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager
from typing import Any

from .family import Fit, FitRequest, Params, Problem, Real, Space


class Linear:
    """L2-regularised linear models of scikit-learn."""

    name = "linear"
    interruptible = False

    def portfolio(self, problem: Problem) -> tuple[Params, ...]:
        """Mild, strong and weak regularisation."""
        if problem.is_regression:
            return ({"alpha": 1.0}, {"alpha": 30.0})
        return ({"C": 1.0}, {"C": 0.05})

    def space(self, problem: Problem) -> Space:
        """Strength of the penalty."""
        return {"alpha": Real(1e-3, 1e3, log=True)} if problem.is_regression else {"C": Real(1e-3, 1e2, log=True)}

    def cost(self, problem: Problem, params: Params) -> float:
        """Proportional to cells, and to classes for the multinomial loss."""
        del params
        cells = problem.rows * problem.columns / 1e6
        return 0.01 + (0.1 * cells if problem.is_regression else 0.2 * cells * max(1, problem.classes - 1) ** 0.8)

    def fit(self, request: FitRequest) -> Fit:
        """Ridge by its closed form; logistic regression by L-BFGS with a bounded number of iterations."""
        from sklearn.linear_model import LogisticRegression, Ridge

        if request.problem.is_regression:
            estimator = Ridge(**request.params)
        else:
            estimator = LogisticRegression(max_iter=300, **request.params)
        with _quiet_convergence():
            estimator.fit(request.features, request.target)
        return Fit(estimator, request.params)


def _quiet_convergence() -> AbstractContextManager[Any]:
    """L-BFGS that ran out of iterations still predicts well; cross-validation judges it, not a warning."""
    from sklearn.exceptions import ConvergenceWarning

    return warnings.catch_warnings(action="ignore", category=ConvergenceWarning)
