from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from services.trainer.domain.preparation import PreparationPipeline, StepSpec
from services.trainer.domain.preparation.flavour import flavour_of

from .tables import adult, sample, table, texts

FAMILIES = ("linear", "naive_bayes", "decision_tree", "random_forest", "extra_trees", "lightgbm", "xgboost")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_table_without_any_step_becomes_numbers(family: str) -> None:
    read = adult(600)
    features = PreparationPipeline([], family).fit_transform(read)
    assert features.dtype == np.float64
    assert len(features) == 600
    assert np.isfinite(features).all()


def test_boosting_sees_missing_numbers_others_get_the_median() -> None:
    read = table({"x": pa.array([1.0, 2.0, None, 7.0])}, ["p", "q", "p", "q"])
    assert np.isnan(PreparationPipeline([], "xgboost").fit_transform(read)[2, 0])
    assert PreparationPipeline([], "extra_trees").fit_transform(read)[2, 0] == 2.0


def test_later_missing_numbers_are_filled_even_if_training_had_none() -> None:
    read = table({"x": pa.array([1.0, 2.0, 3.0, 10.0])}, ["p", "q", "p", "q"])
    pipeline = PreparationPipeline([], "random_forest").fit(read)
    assert pipeline.transform({"x": np.array([np.nan, np.inf, 1e300])}).ravel().tolist() == [2.5, 2.5, 2.5]


def test_identifiers_constants_and_empty_columns_are_dropped_with_a_reason() -> None:
    read = table(
        {
            "name": [f"person {number}" for number in range(40)],
            "same": ["x"] * 40,
            "zero": [0] * 40,
            "empty": pa.nulls(40),
            "void": pa.array([None] * 40, type=pa.string()),
            "x": list(range(40)),
        },
        ["p", "q"] * 20,
    )
    pipeline = PreparationPipeline([], "lightgbm").fit(read)
    assert pipeline.fitted.input_names == ("x",)
    reasons = " ".join(report.message for report in pipeline.reports)
    for column in ("name", "same", "zero", "empty", "void"):
        assert f"Dropped '{column}': " in reasons


def test_a_table_in_which_nothing_tells_anything_still_has_a_feature() -> None:
    read = table({"same": ["x"] * 4, "zero": [0] * 4}, ["p", "q", "p", "q"])
    pipeline = PreparationPipeline([], "linear").fit(read)
    assert pipeline.feature_names == ("constant",)
    assert pipeline.transform({"same": texts(["y", ""]), "zero": np.array([1.0, np.nan])}).tolist() == [[0], [0]]


def test_booleans_are_numbers() -> None:
    read = table({"flag": pa.array([True, False, None, True])}, ["p", "q", "p", "q"])
    pipeline = PreparationPipeline([], "decision_tree").fit(read)
    assert pipeline.transform(read.columns).ravel().tolist() == [1, 0, 1, 1]


def test_linear_features_are_all_of_one_size_unless_one_hot() -> None:
    taxis = sample("nyc_taxis/nyc_taxis.csv.gz", "total", 1000)
    pipeline = PreparationPipeline([], "linear")
    features = pipeline.fit_transform(taxis)
    sized = np.array(["=" not in name for name in pipeline.feature_names])
    np.testing.assert_allclose(features[:, sized].std(axis=0), 1.0, atol=1e-6)


def test_families_of_a_flavour_share_a_preparation() -> None:
    assert flavour_of("lightgbm") is flavour_of("xgboost")
    assert flavour_of("linear") is not flavour_of("random_forest")
    with pytest.raises(ValueError, match="'svm'"):
        flavour_of("svm")


@pytest.mark.parametrize("family", ["linear", "xgboost"])
def test_one_row_is_prepared_as_it_is_among_others(family: str) -> None:
    """No training-serving skew: features depend on the row alone."""
    read = adult(500)
    pipeline = PreparationPipeline([StepSpec("rare", "group_rare", ("native-country",))], family).fit(read)
    together = pipeline.transform(read.columns)
    for row in (0, 17, 499):
        alone = pipeline.transform({name: values[row : row + 1] for name, values in read.columns.items()})
        np.testing.assert_array_equal(alone[0], together[row])


def test_reading_before_fitting_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="call fit first"):
        PreparationPipeline([], "linear").feature_names  # noqa: B018
