"""What a caller may ask for beside the prediction itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PredictionOptions:
    """routing_key: requests with the same one go to the same version; "" for by chance.

    explain: whether each column's contribution is answered too. interval: the coverage of an interval or a set of
    labels to answer too, such as 0.9; 0 for none.
    """

    routing_key: str = ""
    explain: bool = False
    interval: float = 0.0


PLAIN = PredictionOptions()
"""A prediction and nothing else."""
