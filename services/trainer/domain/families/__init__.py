"""The model families that training can choose from: one file each, listed in FAMILIES."""

from __future__ import annotations

from .decision_tree import DecisionTree
from .extra_trees import ExtraTrees
from .family import (
    Array,
    Choice,
    Dimension,
    Family,
    Fit,
    FitRequest,
    Integer,
    Params,
    Problem,
    Real,
    Space,
    Value,
)
from .lightgbm import LightGbm
from .linear import Linear
from .naive_bayes import NaiveBayes
from .random_forest import RandomForest
from .xgboost import XgBoost

# In the order in which their first configurations are tried: the likely best first, then what is different and cheap.
FAMILIES: tuple[Family, ...] = (
    LightGbm(),
    Linear(),
    XgBoost(),
    ExtraTrees(),
    RandomForest(),
    NaiveBayes(),
    DecisionTree(),
)

__all__ = [
    "FAMILIES",
    "Array",
    "Choice",
    "Dimension",
    "Family",
    "Fit",
    "FitRequest",
    "Integer",
    "Params",
    "Problem",
    "Real",
    "Space",
    "Value",
    "families_for",
    "find_family",
    "load_libraries",
]


def load_libraries() -> None:
    """Import what fits need now, so that it takes none of a run's budget."""
    import lightgbm
    import optuna
    import sklearn.ensemble
    import sklearn.linear_model
    import sklearn.naive_bayes
    import xgboost

    del lightgbm, optuna, sklearn, xgboost


def find_family(name: str) -> Family:
    """The family of that name; raises KeyError with a sentence naming the possible ones."""
    for family in FAMILIES:
        if family.name == name:
            return family
    raise KeyError(f"'{name}' is no model family; use one of {', '.join(family.name for family in FAMILIES)}")


def families_for(problem: Problem, names: tuple[str, ...] = ()) -> tuple[Family, ...]:
    """The families that fit the problem, in trial order; only those named, when any are."""
    return tuple(f for f in FAMILIES if (not names or f.name in names) and f.portfolio(problem))
