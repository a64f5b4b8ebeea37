"""Exact SHAP values of scores that add up over features: linear models and Gaussian naive Bayes.

Where features are taken to be independent, a feature's value is what it adds less what it adds on average (Lundberg and
Lee: A Unified Approach to Interpreting Model Predictions, NeurIPS 2017, corollary 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .trees import Floats


@dataclass(frozen=True)
class AdditiveScores:
    """Scores constant + sum over features of linear * x + quadratic * x^2.

    linear and quadratic: float64 [outputs, k]. mean and mean_square: of the k features over training rows. constant:
    float64 [outputs]. first: the first of the k features among those of the whole model. column_of: the user's column
    behind each feature of the whole model, of `columns` ones.
    """

    linear: Floats
    quadratic: Floats
    mean: Floats
    mean_square: Floats
    constant: Floats
    first: int
    column_of: NDArray[np.int32]
    columns: int

    @property
    def base_values(self) -> Floats:
        """The scores' mean over the training rows, float64 [outputs]."""
        return np.asarray(self.constant + self.linear @ self.mean + self.quadratic @ self.mean_square)

    def contributions(self, features: Floats) -> Floats:
        """What each column adds to each score beyond base_values: float64 [n, outputs, columns] of features [n, k]."""
        own = slice(self.first, self.first + len(self.mean))
        values = features[:, np.newaxis, own]
        added = self.linear * (values - self.mean) + self.quadratic * (values * values - self.mean_square)
        total = np.zeros((self.columns, len(features), len(self.constant)))
        np.add.at(total, self.column_of[own], np.moveaxis(added, 2, 0))
        return np.moveaxis(total, 0, 2)
