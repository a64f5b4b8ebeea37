"""The search for good candidates under a wall-clock budget."""

from __future__ import annotations

from .budget import Budget
from .estimate import TimeEstimator
from .fitting import Fitter, Sample
from .folded import FoldedTable
from .search import Search, SearchPlan
from .splits import Fold, choose_folds, make_folds, split_holdout
from .trial import FoldResult, Trial

__all__ = [
    "Budget",
    "Fitter",
    "Fold",
    "FoldResult",
    "FoldedTable",
    "Sample",
    "Search",
    "SearchPlan",
    "TimeEstimator",
    "Trial",
    "choose_folds",
    "make_folds",
    "split_holdout",
]
