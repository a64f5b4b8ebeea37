"""Contributions of a model that consists of parts, each with scores of its own.

A single model's scores are explained as they are. An ensemble averages its members' probabilities, and log-odds do not
average: the contributions to a member's score are first carried over to its probability, by Aumann and Shapley's value
(Values of Non-Atomic Games, 1974; known as integrated gradients) along the straight line from the base scores to the
row's scores. The shares add up to the whole change of probability; of two classes signs and proportions stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from .softmax_slope import mean_slope, softmax
from .trees import Floats

Link = Literal["identity", "logistic", "softmax"]

# Where base and score are nearer than this, the slope between them is that at their middle.
_NEAR = 1e-5


class Scores(Protocol):
    """Scores with exact contributions."""

    @property
    def base_values(self) -> Floats:
        """The scores before any column is known, float64 [outputs]."""

    def contributions(self, features: Floats) -> Floats:
        """What each column adds to each score beyond base_values: float64 [n, outputs, columns] of features [n, k]."""


@dataclass(frozen=True)
class Part:
    """Scores, what makes predictions of them, and their weight among the parts."""

    scores: Scores
    link: Link
    weight: float


def explain_scores(part: Part, features: Floats) -> tuple[Floats, Floats]:
    """Contributions [n, k, columns] to a part's own scores, and their base values [k]."""
    return part.scores.contributions(features), part.scores.base_values


def explain_predictions(parts: Sequence[Part], features: Floats) -> tuple[Floats, Floats]:
    """Contributions [n, k, columns] to the weighted mean of the parts' predictions, and their base values [k]."""
    explained = [_carried(part, *explain_scores(part, features)) for part in parts]
    contributions = sum(part.weight * found for part, (found, _) in zip(parts, explained, strict=True))
    base = sum(part.weight * found for part, (_, found) in zip(parts, explained, strict=True))
    return np.asarray(contributions), np.asarray(base)


def _carried(part: Part, contributions: Floats, base: Floats) -> tuple[Floats, Floats]:
    """The same from scores to predictions; of two classes the second one's probability."""
    if part.link == "identity":
        return contributions, base
    if part.link == "logistic":
        return contributions * _logistic_slope(base, contributions.sum(axis=2))[:, :, np.newaxis], _sigmoid(base)
    slope = mean_slope(base, contributions.sum(axis=2))
    return np.einsum("nkc,nci->nki", slope, contributions), softmax(base)


def _logistic_slope(base: Floats, change: Floats) -> Floats:
    """The logistic function's mean slope from base [1] to base + change [n, 1]."""
    near = np.abs(change) < _NEAR
    middle = _sigmoid(base + change / 2.0)
    whole = _sigmoid(base + change) - _sigmoid(base)
    return np.where(near, middle * (1.0 - middle), whole / np.where(near, 1.0, change))


def _sigmoid(scores: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scores)))
