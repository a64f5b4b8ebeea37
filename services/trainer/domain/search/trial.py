"""What is known of one candidate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..families import Array, Params


@dataclass(frozen=True)
class FoldResult:
    """One fit of a candidate: predictions of the fold's validation rows, their score, and what the fit took."""

    fold: int
    score: float
    seconds: float
    predictions: Array
    refit_params: Params
    truncated: bool = False


@dataclass(frozen=True)
class Trial:
    """A configuration of a family and the folds it was fitted on so far."""

    candidate: str
    family: str
    params: Params
    results: tuple[FoldResult, ...] = ()
    mlflow_run_id: str = ""
    origin: str = field(default="portfolio")

    def add(self, result: FoldResult) -> Trial:
        """The trial with one more fold."""
        return replace(self, results=(*self.results, result))

    @property
    def score(self) -> float:
        """Mean score over the folds that were fitted; NaN before the first."""
        return float(np.mean([result.score for result in self.results])) if self.results else float("nan")

    @property
    def score_stddev(self) -> float:
        """Population standard deviation of the folds' scores."""
        return float(np.std([result.score for result in self.results])) if self.results else float("nan")

    @property
    def seconds(self) -> float:
        """Seconds all fits took together."""
        return sum(result.seconds for result in self.results)

    @property
    def refit_params(self) -> Params:
        """Params for a fit without validation: boosting gets the mean number of trees that the folds stopped at."""
        params = dict(self.params)
        trees = [int(result.refit_params["n_estimators"]) for result in self.results if "n_estimators" in params]
        if trees:
            params["n_estimators"] = max(1, round(float(np.mean(trees))))
        return params

    @property
    def truncated(self) -> bool:
        """Whether time cut any of its fits short."""
        return any(result.truncated for result in self.results)
