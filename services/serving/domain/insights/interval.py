"""Where the truth lies, with the coverage asked for."""

from __future__ import annotations

from dataclasses import dataclass

from ..requests.columns import Array


@dataclass(frozen=True)
class Interval:
    """Split-conformal intervals or sets of n rows, which hold the truth with probability `coverage` or more.

    lower and upper: float64 [n], for regression. contains: bool [n, classes], whether a class is in the row's set, for
    classification.
    """

    coverage: float
    lower: Array | None = None
    upper: Array | None = None
    contains: Array | None = None
