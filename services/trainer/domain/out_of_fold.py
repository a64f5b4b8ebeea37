"""Predictions of training rows by models that did not see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .families import Array
from .metrics import Metric
from .search import Fold, Trial


def out_of_fold(trial: Trial, folds: Sequence[Fold], rows: int) -> Array:
    """A trial's predictions [rows, classes] or [rows], the mean over repetitions; NaN for rows of folds it lacks."""
    shape = trial.results[0].predictions.shape[1:]
    total, count = np.zeros((rows, *shape)), np.zeros(rows)
    for result in trial.results:
        validation = folds[result.fold][1]
        total[validation] += result.predictions
        count[validation] += 1
    count[count == 0] = np.nan
    return total / (count[:, None] if shape else count)


def weighted_scores(
    trials: Mapping[str, Trial], weights: Mapping[str, float], folds: Sequence[Fold], target: Array, metric: Metric
) -> list[float]:
    """The score, on each fold that all members were fitted on, of the members' weighted mean."""
    members = {name: {result.fold: result.predictions for result in trials[name].results} for name in weights}
    shared = [fold for fold in range(len(folds)) if all(fold in predictions for predictions in members.values())]
    return [
        metric.compute(
            target[folds[fold][1]],
            sum(weight * members[name][fold] for name, weight in weights.items()),  # type: ignore[arg-type]
        )
        for fold in shared
    ]
