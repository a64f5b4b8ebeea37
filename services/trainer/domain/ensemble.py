"""Greedy ensemble selection with replacement on out-of-fold predictions.

Caruana, Niculescu-Mizil, Crew, Ksikes: Ensemble Selection from Libraries of Models, ICML 2004.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .metrics import Array, Metric

_ROUNDS = 25
_MEMBERS = 4
_ROWS = 20_000
# A smaller gain does not pay for predicting with several models.
_LEAST_GAIN = 1e-4


def select_weights(predictions: Sequence[Array], truth: Array, metric: Metric, seed: int = 0) -> dict[int, float]:
    """Weights, summing to 1, of the predictions whose weighted mean scores best; keys index `predictions`.

    At most four members are taken. One prediction alone is returned where averaging gains next to nothing. Selection
    looks at 20,000 random rows at most. `predictions` are [n, classes] or [n]; rows that any of them lacks (NaN) are
    left out.
    """
    rows = _rows_of_all(predictions, seed)
    stack = [prediction[rows] for prediction in predictions]
    wanted = truth[rows]
    judge = _Judge(metric, wanted)
    total, counts, best = np.zeros_like(stack[0]), np.zeros(len(stack), dtype=int), (float("-inf"), 0.0)
    chosen_counts, single = counts.copy(), best
    for turn in range(1, _ROUNDS + 1):
        allowed = np.flatnonzero(counts) if np.count_nonzero(counts) >= _MEMBERS else np.arange(len(stack))
        scored = [(judge((total + stack[index]) / turn), int(index)) for index in allowed]
        score, index = max(scored, key=lambda pair: pair[0])
        total = total + stack[index]
        counts[index] += 1
        if turn == 1:
            single = score
        if score > best:
            best, chosen_counts = score, counts.copy()
    if best[0] - single[0] < _LEAST_GAIN * max(abs(single[0]), 1e-9):
        chosen_counts = np.zeros_like(counts)
        chosen_counts[max(range(len(stack)), key=lambda index: judge(stack[index]))] = 1
    return {int(i): float(chosen_counts[i] / chosen_counts.sum()) for i in np.flatnonzero(chosen_counts)}


class _Judge:
    """Utility, and for metrics that see labels only the likelihood of the truth to break ties."""

    def __init__(self, metric: Metric, truth: Array) -> None:
        self._metric = metric
        self._truth = truth

    def __call__(self, prediction: Array) -> tuple[float, float]:
        utility = self._metric.utility(self._truth, prediction)
        if prediction.ndim == 1:
            return utility, 0.0
        chosen = prediction[np.arange(len(self._truth)), self._truth.astype(int)]
        return utility, float(np.log(np.clip(chosen, 1e-15, 1.0)).mean())


def _rows_of_all(predictions: Sequence[Array], seed: int) -> NDArray[np.int64]:
    finite = [np.isfinite(p).all(axis=1) if p.ndim == 2 else np.isfinite(p) for p in predictions]
    rows = np.flatnonzero(np.logical_and.reduce(finite))
    if len(rows) > _ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, size=_ROWS, replace=False))
    return rows
