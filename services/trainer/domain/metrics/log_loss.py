"""Mean negative log-likelihood of the true class."""

from __future__ import annotations

import numpy as np

from .metric import CLASSIFICATION, Array, Metric

_CLIP = 1e-15


def _log_loss(truth: Array, prediction: Array) -> float:
    chosen = prediction[np.arange(len(truth)), truth.astype(int)]
    return float(-np.log(np.clip(chosen, _CLIP, 1.0)).mean())


# Probabilities are clipped at 1e-15, as in scikit-learn before 1.3, so that one zero does not make it infinite.
LOG_LOSS = Metric("log_loss", CLASSIFICATION, False, _log_loss)
