"""Small fitted models of every family, for tests of their export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

from services.trainer.domain.export import FittedModel
from services.trainer.domain.preparation import PreparationPipeline, StepSpec
from services.trainer.domain.table import TrainingTable

CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "linear": lambda: LogisticRegression(max_iter=200),
    "naive_bayes": GaussianNB,
    "decision_tree": lambda: DecisionTreeClassifier(max_depth=9, random_state=0),
    "random_forest": lambda: RandomForestClassifier(12, random_state=0),
    "extra_trees": lambda: ExtraTreesClassifier(12, random_state=0),
    "lightgbm": lambda: LGBMClassifier(n_estimators=12, n_jobs=1, verbosity=-1, random_state=0),
    "xgboost": lambda: XGBClassifier(n_estimators=12, n_jobs=1, random_state=0),
}
REGRESSORS: dict[str, Callable[[], Any]] = {
    "linear": Ridge,
    "decision_tree": lambda: DecisionTreeRegressor(max_depth=9, random_state=0),
    "random_forest": lambda: RandomForestRegressor(12, random_state=0),
    "extra_trees": lambda: ExtraTreesRegressor(12, random_state=0),
    "lightgbm": lambda: LGBMRegressor(n_estimators=12, n_jobs=1, verbosity=-1, random_state=0),
    "xgboost": lambda: XGBRegressor(n_estimators=12, n_jobs=1, random_state=0),
}


def fit(table: TrainingTable, family: str, estimator: Any = None, steps: Sequence[StepSpec] = ()) -> FittedModel:
    """A model of a family, fitted on classes numbered without a gap."""
    if estimator is None:
        estimator = (CLASSIFIERS if table.classes else REGRESSORS)[family]()
    pipeline = PreparationPipeline(steps, family)
    features = pipeline.fit_transform(table)
    target = table.target_numbers()
    if not table.classes:
        return FittedModel(pipeline.fitted, estimator.fit(features, target))
    present, positions = np.unique(target, return_inverse=True)
    fitted = estimator.fit(features, positions)
    return FittedModel(pipeline.fitted, fitted, table.classes, tuple(int(position) for position in present))
