"""How much each input moved each prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..requests.columns import Array

Scale = Literal["probability", "log_odds", "value"]


@dataclass(frozen=True)
class Explanation:
    """Contributions of the inputs of n rows: base and contributions sum to what the model says, on `scale`.

    A single model's are exact SHAP values; see explained_parts.py for ensembles.

    columns: the inputs, in the order of the contributions. contributions: float64 [n, k, columns]; k is 1, or the
    number of classes where there are more than two (of two classes the second is explained). base_values: float64 [k],
    what is predicted before any column is known. scale: "probability", "log_odds" (of a class against the other one;
    for more than two classes the score that softmax turns into probabilities), or "value".
    """

    columns: tuple[str, ...]
    contributions: Array
    base_values: Array
    scale: Scale
