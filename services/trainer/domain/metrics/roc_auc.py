"""Area under the ROC curve."""

from __future__ import annotations

import numpy as np

from .metric import CLASSIFICATION, Array, Metric


def binary_auc(positive: Array, score: Array) -> float:
    """Area under the ROC curve of one class, by ranks (Mann-Whitney U); 0.5 without both classes."""
    positive = positive.astype(bool)
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if positives == 0 or negatives == 0:
        return 0.5
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2.0
    rank_sum = float(mean_ranks[inverse][positive].sum())
    return (rank_sum - positives * (positives + 1) / 2.0) / (positives * negatives)


def _roc_auc(truth: Array, prediction: Array) -> float:
    if prediction.shape[1] == 2:
        return binary_auc(truth == 1, prediction[:, 1])
    present = np.unique(truth).astype(int)
    return float(np.mean([binary_auc(truth == index, prediction[:, index]) for index in present]))


# With more than two classes: the unweighted mean of one-vs-rest areas over the classes present in the truth.
ROC_AUC = Metric("roc_auc", CLASSIFICATION, True, _roc_auc)
