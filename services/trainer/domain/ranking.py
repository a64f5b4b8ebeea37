"""The leaderboard: candidates best first, the ensemble among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .families import Params
from .metrics import Metric
from .training import ENSEMBLE, TrainingResult


@dataclass(frozen=True)
class RankedCandidate:
    """One candidate: its score by cross-validation (mean and deviation over folds) and what else is known of it."""

    candidate: str
    family: str
    score: float
    score_stddev: float
    holdout_metrics: Mapping[str, float]
    params: Params
    fit_seconds: float
    ensemble_weight: float
    folds: int


def rank(result: TrainingResult, metric: Metric) -> list[RankedCandidate]:
    """The complete candidates, best first.

    Those that were only probed on fewer folds have scores that do not compare; they are left out, unless the winner is
    among them because time was short.
    """
    entries = [
        RankedCandidate(
            trial.candidate,
            trial.family,
            trial.score,
            trial.score_stddev,
            result.member_metrics.get(trial.candidate, {}),
            trial.params,
            trial.seconds,
            result.weights.get(trial.candidate, 0.0) if result.candidate == ENSEMBLE else 0.0,
            len(trial.results),
        )
        for trial in result.trials
    ]
    if result.candidate == ENSEMBLE:
        entries.append(_ensemble(result))
    sign = -1.0 if metric.greater_is_better else 1.0
    winner = next(entry for entry in entries if entry.candidate == result.candidate)
    compared = [entry for entry in entries if entry.folds >= min(winner.folds, result.wanted_folds)]
    return sorted(compared, key=lambda entry: (sign * entry.score, entry.candidate != ENSEMBLE))


def _ensemble(result: TrainingResult) -> RankedCandidate:
    members = [trial for trial in result.trials if trial.candidate in result.weights]
    return RankedCandidate(
        ENSEMBLE,
        ENSEMBLE,
        float(np.mean(result.scores)),
        float(np.std(result.scores)),
        result.metrics,
        {name: round(weight, 4) for name, weight in result.weights.items()},
        sum(trial.seconds for trial in members),
        0.0,
        len(result.scores),
    )
