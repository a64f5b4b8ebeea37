"""Gaussian naive Bayes."""

from __future__ import annotations

from .family import Fit, FitRequest, Params, Problem, Real, Space


class NaiveBayes:
    """Classes only: each column normal within a class."""

    name = "naive_bayes"
    interruptible = False

    def portfolio(self, problem: Problem) -> tuple[Params, ...]:
        """A smoothing that survives nearly constant one-hot columns."""
        return () if problem.is_regression else ({"var_smoothing": 1e-3},)

    def space(self, problem: Problem) -> Space:
        """The share of the largest variance added to all."""
        return {} if problem.is_regression else {"var_smoothing": Real(1e-6, 1.0, log=True)}

    def cost(self, problem: Problem, params: Params) -> float:
        """Two passes over the cells."""
        del params
        return 0.005 + 0.02 * problem.rows * problem.columns / 1e6

    def fit(self, request: FitRequest) -> Fit:
        """Means and variances by class."""
        from sklearn.naive_bayes import GaussianNB

        return Fit(GaussianNB(**request.params).fit(request.features, request.target), request.params)
