"""One fit of one configuration that keeps to the clock, whatever classes its rows lack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..families import Array, Family, Fit, FitRequest, Params, Problem
from .estimate import TimeEstimator

# A fit on fewer cells than this is quicker on one thread: handing out the work costs more than doing it.
_CELLS_FOR_THREADS = 50_000
# Below this share of the rows a fit says little about the family.
_LEAST_SHARE = 0.05


@dataclass(frozen=True)
class Sample:
    """Prepared rows: features [n, k] and target [n] (class indices or values)."""

    features: Array
    target: NDArray[np.float64] | NDArray[np.int64]


@dataclass(frozen=True)
class FittedCandidate:
    """A fit together with the classes its training rows held (None for regression)."""

    fit: Fit
    present: NDArray[np.int64] | None
    classes: int

    def predict(self, features: Array) -> Array:
        """Probabilities [n, classes], 0 for classes that were absent, or values [n]."""
        if self.present is None:
            return np.asarray(self.fit.estimator.predict(features), dtype=np.float64)
        probabilities = np.asarray(self.fit.estimator.predict_proba(features), dtype=np.float64)
        if len(self.present) == self.classes:
            return probabilities
        spread = np.zeros((len(features), self.classes))
        spread[:, self.present] = probabilities
        return spread


@dataclass(frozen=True)
class Fitter:
    """Fits any family on any rows of one job."""

    task_type: str
    classes: int
    seed: int
    threads: int
    estimator: TimeEstimator
    clock: Callable[[], float]

    def problem(self, rows: int, columns: int) -> Problem:
        """The problem that a fit on so many rows and columns poses."""
        return Problem(self.task_type, rows, columns, self.classes)

    def fit(
        self, family: Family, params: Params, train: Sample, validation: Sample | None, seconds: float
    ) -> FittedCandidate | None:
        """Fit within about `seconds`: stopped in the middle where the family can, on fewer rows where it can't.

        None when even a small part of the rows would take too long, or when the rows hold one class only.
        """
        problem = self.problem(len(train.target), train.features.shape[1])
        thinned = False
        if not family.interruptible:
            expected = self.estimator.seconds(family, problem, params)
            if expected * _LEAST_SHARE > seconds:
                return None
            if expected > seconds:
                train, thinned = self._thin(train, seconds / expected), True
        present = None if problem.is_regression else np.unique(train.target).astype(np.int64)
        if present is not None:
            if len(present) < 2:
                return None
            train = _reindex(train, present)
            validation = None if validation is None else _reindex(validation, present)
        started = self.clock()
        request = FitRequest(
            problem=replace(problem, rows=len(train.target)),
            features=train.features,
            target=train.target,
            params=params,
            seed=self.seed,
            threads=self.threads if train.features.size >= _CELLS_FOR_THREADS else 1,
            validation=None if validation is None else (validation.features, validation.target),
            remaining=lambda: seconds - (self.clock() - started),
        )
        fit = family.fit(request)
        if not fit.truncated:
            self.estimator.observe(family, request.problem, params, self.clock() - started)
        return FittedCandidate(replace(fit, truncated=fit.truncated or thinned), present, self.classes)

    def _thin(self, train: Sample, share: float) -> Sample:
        """A random share of the rows that keeps at least one row of every class."""
        generator = np.random.default_rng(self.seed)
        count = max(2, int(len(train.target) * share))
        kept = generator.choice(len(train.target), size=count, replace=False)
        if self.classes:
            kept = np.union1d(kept, np.unique(train.target, return_index=True)[1])
        kept = np.sort(kept)
        return Sample(train.features[kept], train.target[kept])


def _reindex(sample: Sample, present: NDArray[np.int64]) -> Sample:
    """The rows of the present classes, the classes numbered without a gap, as the libraries expect."""
    known = np.isin(sample.target, present)
    features = sample.features if known.all() else sample.features[known]
    return Sample(features, np.searchsorted(present, sample.target[known].astype(np.int64)))
