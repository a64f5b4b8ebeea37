"""The quick calls answer what the estimators' own methods answer."""

from __future__ import annotations

import numpy as np
import pytest

from services.trainer.domain.export import FittedModel
from services.trainer.domain.export.quick import predict

from ..preparation.tables import adult, sample
from .candidates import CLASSIFIERS, REGRESSORS, fit


def assert_same(model: FittedModel, features: np.ndarray) -> None:
    own = model.estimator.predict_proba if model.classes else model.estimator.predict
    for rows in (1, 7, 200):
        found = predict(model.estimator, features[:rows])
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, own(features[:rows]), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_classifiers(family: str) -> None:
    for table in (adult(600), sample("penguins/penguins.csv", "species", 344)):
        model = fit(table, family)
        assert_same(model, model.preparation.transform(table.columns))


@pytest.mark.parametrize("family", REGRESSORS)
def test_regressors(family: str) -> None:
    table = sample("california_housing/california_housing.csv.gz", "median_house_value", 600)
    model = fit(table, family)
    assert_same(model, model.preparation.transform(table.columns))
