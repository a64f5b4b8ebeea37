from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from services.trainer.domain.preparation import PreparationPipeline, StepSpec

from .tables import sample, table, texts

STEP = StepSpec("encode", "target_encode", ("w",), {"smoothing": 2.0})


def test_a_category_becomes_its_smoothed_share_of_the_second_class() -> None:
    read = table({"w": ["a", "a", "a", "b"]}, ["yes", "yes", "no", "no"])
    pipeline = PreparationPipeline([STEP], "lightgbm").fit(read)
    features = pipeline.transform({"w": texts(["a", "b", "never", ""])}).ravel()
    np.testing.assert_allclose(features, [(2 + 2 * 0.5) / 5, (0 + 2 * 0.5) / 3, 0.5, 0.5])


def test_more_classes_get_a_feature_each() -> None:
    read = table({"w": ["a", "a", "b", "b"]}, ["x", "y", "z", "z"])
    pipeline = PreparationPipeline([STEP], "lightgbm").fit(read)
    assert pipeline.feature_names == ("w by target x", "w by target y", "w by target z")
    np.testing.assert_allclose(pipeline.transform({"w": texts(["b"])}), [[0.125, 0.125, 0.75]])


def test_a_regression_gets_the_mean_of_the_values() -> None:
    read = table({"w": ["a", "a", "b", "b"]}, [1.5, 2.5, 10.0, 20.0], task="regression")
    pipeline = PreparationPipeline([StepSpec("encode", "target_encode", ("w",), {"smoothing": 0.0})], "xgboost").fit(
        read
    )
    np.testing.assert_allclose(pipeline.transform({"w": texts(["a", "b", "c"])}).ravel(), [2.0, 15.0, 8.5])


def test_training_rows_do_not_see_their_own_target() -> None:
    """An identifier encoded in place would predict the training target perfectly; out of fold it says nothing."""
    generator = np.random.default_rng(0)
    labels = generator.choice(["no", "yes"], 400).tolist()
    read = table({"w": [f"id{number // 2}" for number in range(400)]}, labels)
    pipeline = PreparationPipeline([STEP], "lightgbm", seed=3)
    learnt = pipeline.fit_transform(read).ravel()
    truth = read.target_numbers()
    assert roc_auc_score(truth, pipeline.transform(read.columns).ravel()) > 0.85
    assert roc_auc_score(truth, learnt) < 0.6


def test_the_same_seed_gives_the_same_features() -> None:
    taxis = sample("nyc_taxis/nyc_taxis.csv.gz", "payment", 800)
    one, two, other = (PreparationPipeline([], "lightgbm", seed).fit_transform(taxis) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert np.nanmax(np.abs(one - other)) > 0


@pytest.mark.parametrize("family", ["linear", "lightgbm"])
def test_fit_transform_differs_from_transform_in_target_encoded_features_only(family: str) -> None:
    taxis = sample("nyc_taxis/nyc_taxis.csv.gz", "total", 800)
    pipeline = PreparationPipeline([], family)
    learnt = pipeline.fit_transform(taxis)
    later = pipeline.transform(taxis.columns)
    apart = np.nanmax(np.abs(learnt - later), axis=0) > 0
    encoded = np.array(["by target" in name for name in pipeline.feature_names])
    assert encoded.any()
    np.testing.assert_array_equal(apart, encoded)
