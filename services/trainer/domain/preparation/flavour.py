"""What a model family asks of its features."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flavour:
    """Families of one flavour share a fitted preparation.

    `scales`: numbers are centred and scaled. `keeps_missing`: missing numbers stay NaN for the model to route.
    `one_hot_limit`: text columns with more categories than this are target-encoded by default.
    """

    name: str
    scales: bool
    keeps_missing: bool
    one_hot_limit: int


SMOOTH = Flavour("smooth", scales=True, keeps_missing=False, one_hot_limit=60)
TREES = Flavour("trees", scales=False, keeps_missing=False, one_hot_limit=12)
BOOSTING = Flavour("boosting", scales=False, keeps_missing=True, one_hot_limit=12)

_FLAVOURS = {
    "linear": SMOOTH,
    "naive_bayes": SMOOTH,
    "decision_tree": TREES,
    "random_forest": TREES,
    "extra_trees": TREES,
    "lightgbm": BOOSTING,
    "xgboost": BOOSTING,
}


def flavour_of(family: str) -> Flavour:
    """The flavour of a family; raises ValueError for a family that has none."""
    if family not in _FLAVOURS:
        raise ValueError(f"No preparation is known for the family '{family}'; known are {', '.join(_FLAVOURS)}.")
    return _FLAVOURS[family]
