"""ONNX and native predictions agree within 1e-5, on rows with missing values and unseen categories too."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from xgboost import XGBClassifier, XGBRegressor

from services.trainer.domain.export import ExportError, Parity, WeightedEnsemble, check_parity, to_onnx
from services.trainer.domain.export.parity import with_probes
from services.trainer.domain.export.predictors import FittedModel
from services.trainer.domain.preparation import StepSpec
from services.trainer.domain.table import TrainingTable

from ..preparation.tables import adult, sample, table
from .candidates import CLASSIFIERS, REGRESSORS, fit


@cache
def data(name: str) -> tuple[TrainingTable, TrainingTable]:
    """2,000 rows to fit (fewer where there are not so many), and others to compare on."""
    whole = {
        "adult": lambda: adult(4500),
        "wine": lambda: sample("wine_quality/winequality_white.csv", "quality", 3000, delimiter=";"),
        "penguins": lambda: sample("penguins/penguins.csv", "species", 344),
        "california": lambda: sample("california_housing/california_housing.csv.gz", "median_house_value", 4000),
        "taxis": lambda: sample("nyc_taxis/nyc_taxis.csv.gz", "total", 3000),
        "bikes": lambda: sample("bike_sharing/bike_sharing_hour.csv.gz", "cnt", 3000, drop=["casual", "registered"]),
    }[name]()
    rows = np.random.default_rng(1).permutation(whole.row_count)
    cut = min(2000, whole.row_count * 2 // 3)
    return whole.take(rows[:cut]), whole.take(rows[cut:])


def parity(model: FittedModel | WeightedEnsemble, held_out: TrainingTable) -> Parity:
    written = to_onnx(model, held_out.inputs).SerializeToString()
    return check_parity(written, model, held_out.columns, held_out.inputs)


@pytest.mark.parametrize("family", CLASSIFIERS)
@pytest.mark.parametrize("name", ["adult", "wine", "penguins"])
def test_classifiers_agree(name: str, family: str) -> None:
    train, held_out = data(name)
    result = parity(fit(train, family), held_out)
    assert result.passed, result.reason
    assert result.max_difference < 1e-6
    assert result.row_count > held_out.row_count


@pytest.mark.parametrize("family", REGRESSORS)
@pytest.mark.parametrize("name", ["california", "taxis", "bikes"])
def test_regressors_agree(name: str, family: str) -> None:
    train, held_out = data(name)
    result = parity(fit(train, family), held_out)
    assert result.passed, result.reason


@pytest.mark.parametrize("name", ["adult", "wine", "california"])
def test_an_ensemble_of_three_families_agrees(name: str) -> None:
    train, held_out = data(name)
    families = ("lightgbm", "extra_trees", "linear")
    model = WeightedEnsemble(
        tuple((fit(train, family), weight) for family, weight in zip(families, (3, 1, 2), strict=True))
    )
    result = parity(model, held_out)
    assert result.passed, result.reason
    if train.classes:
        np.testing.assert_allclose(model.predict_columns(held_out.columns).sum(axis=1), 1.0)


STEPS = (
    StepSpec("fill", "impute", ("age",), {"strategy": "mean", "indicator": True}),
    StepSpec("name", "impute", ("workclass",), {"strategy": "most_frequent"}),
    StepSpec("rare", "group_rare", ("native-country", "education-num"), {"min_share": 0.03}),
    StepSpec("hot", "one_hot", ("race", "education-num", "sex")),
    StepSpec("order", "ordinal", ("education", "hours-per-week"), {"order": ["Preschool", "HS-grad"]}),
    StepSpec("encode", "target_encode", ("occupation", "native-country", "age")),
    StepSpec("drop", "drop_columns", ("fnlwgt",)),
)


@pytest.mark.parametrize("family", ["lightgbm", "xgboost", "random_forest", "linear"])
def test_every_kind_of_step_agrees_on_texts_and_on_numbers(family: str) -> None:
    train, held_out = data("adult")
    result = parity(fit(train, family, steps=STEPS), held_out)
    assert result.passed, result.reason


@pytest.mark.parametrize(
    "steps",
    [
        (StepSpec("hot", "one_hot", ("country",)),),
        (
            StepSpec("rare", "group_rare", ("country",), {"max_categories": 100}),
            StepSpec("hot", "one_hot", ("country",)),
        ),
        (StepSpec("encode", "target_encode", ("country",)),),
    ],
    ids=["one_hot", "group_rare", "target_encode"],
)
def test_values_that_look_like_missing_ones_or_like_a_label_agree_beyond_the_categories_that_are_kept(
    steps: tuple[StepSpec, ...],
) -> None:
    rng = np.random.default_rng(5)
    countries = np.array([*(f"c{number}" for number in range(160)), "NA", "null", "missing", "other", None], object)
    picked = countries[rng.choice(len(countries), 2500, p=np.r_[np.full(160, 0.98 / 160), np.full(5, 0.004)])]
    whole = table(
        {"country": picked.tolist(), "x": rng.normal(size=2500).tolist()}, rng.choice(["p", "q"], 2500).tolist()
    )
    model = fit(whole, "linear", steps=steps)
    result = parity(model, whole)
    assert result.passed, result.reason


def test_all_parts_of_two_datetime_columns_agree() -> None:
    train, held_out = data("taxis")
    steps = [
        StepSpec(
            "pickup", "datetime_parts", ("pickup",), {"parts": ["quarter", "day_of_year", "is_weekend", "second"]}
        ),
        StepSpec("dropoff", "datetime_parts", ("dropoff",), {"parts": ["day", "hour", "minute", "second", "weekday"]}),
    ]
    model = fit(train, "lightgbm", steps=steps)
    assert "dropoff.second" in model.preparation.feature_names
    assert parity(model, held_out).passed


def test_a_class_that_the_estimator_never_saw_has_probability_zero() -> None:
    whole, held_out = data("penguins")
    train = whole.take(np.flatnonzero(whole.target != "Chinstrap"))
    for family in ("lightgbm", "random_forest", "linear"):
        model = fit(train, family)
        absent = model.classes.index("Chinstrap")
        assert (model.predict_columns(held_out.columns)[:, absent] == 0).all()
        assert parity(model, held_out).passed


def test_an_early_stopped_lightgbm_predicts_by_its_best_round() -> None:
    train, held_out = data("adult")
    preparation = fit(train, "lightgbm").preparation
    estimator = LGBMClassifier(n_estimators=80, learning_rate=0.5, n_jobs=1, verbosity=-1)
    estimator.fit(
        preparation.transform(train.columns),
        train.target_numbers(),
        eval_X=preparation.transform(held_out.columns),
        eval_y=held_out.target_numbers(),
        callbacks=[early_stopping(3, verbose=False)],
    )
    assert 0 < estimator.best_iteration_ < 80
    assert parity(FittedModel(preparation, estimator, train.classes), held_out).passed


def test_an_early_stopped_xgboost_predicts_by_its_best_round() -> None:
    train, held_out = data("adult")
    preparation = fit(train, "xgboost").preparation
    estimator = XGBClassifier(n_estimators=80, learning_rate=0.8, early_stopping_rounds=3, n_jobs=1)
    valid = (preparation.transform(held_out.columns), held_out.target_numbers())
    estimator.fit(preparation.transform(train.columns), train.target_numbers(), eval_set=[valid], verbose=False)
    assert estimator.best_iteration + 1 < estimator.get_booster().num_boosted_rounds() < 80
    assert parity(FittedModel(preparation, estimator, train.classes), held_out).passed


@pytest.mark.parametrize(
    ("family", "estimator"),
    [
        ("lightgbm", LGBMRegressor(objective="poisson", n_estimators=15, n_jobs=1, verbosity=-1)),
        ("lightgbm", LGBMRegressor(objective="quantile", alpha=0.8, n_estimators=15, n_jobs=1, verbosity=-1)),
        ("xgboost", XGBRegressor(objective="reg:absoluteerror", n_estimators=15, n_jobs=1)),
        ("xgboost", XGBRegressor(n_estimators=5, num_parallel_tree=3, subsample=0.8, n_jobs=1)),
        ("linear", ElasticNet(alpha=1.0)),
    ],
)
def test_other_objectives_agree(family: str, estimator: object) -> None:
    train, held_out = data("bikes")
    result = parity(fit(train, family, estimator), held_out)
    assert result.passed, result.reason


def test_a_model_of_stumps_without_a_split_agrees() -> None:
    read = table({"x": [1.0, 2.0] * 10, "w": ["a", "b"] * 10}, ["p", "q", "q", "p"] * 5)
    for family in ("lightgbm", "xgboost", "decision_tree"):
        assert parity(fit(read, family), read).passed


def test_a_constant_feature_is_enough_for_an_export() -> None:
    read = table({"same": ["x"] * 8, "zero": [0] * 8}, ["p", "q"] * 4)
    assert parity(fit(read, "linear"), read).passed


@pytest.mark.parametrize(
    ("family", "estimator", "words"),
    [
        ("linear", KNeighborsClassifier(), "KNeighborsClassifier has no ONNX form"),
        (
            "lightgbm",
            LGBMClassifier(objective="cross_entropy", n_estimators=3, n_jobs=1, verbosity=-1),
            "'cross_entropy'",
        ),
        ("lightgbm", LGBMClassifier(linear_tree=True, n_estimators=3, n_jobs=1, verbosity=-1), "linear leaves"),
        ("lightgbm", LGBMClassifier(zero_as_missing=True, n_estimators=3, n_jobs=1, verbosity=-1), "zero_as_missing"),
        ("xgboost", XGBClassifier(booster="dart", n_estimators=3, n_jobs=1), "booster 'dart'"),
        ("xgboost", XGBClassifier(objective="binary:hinge", n_estimators=3, n_jobs=1), "'binary:hinge'"),
    ],
)
def test_what_cannot_be_exported_says_why(family: str, estimator: object, words: str) -> None:
    train, _ = data("adult")
    model = fit(train, family, estimator)
    with pytest.raises(ExportError, match=words):
        to_onnx(model, train.inputs)


def test_a_column_that_is_no_input_is_refused() -> None:
    train, _ = data("adult")
    with pytest.raises(ExportError, match="reads the column 'age'"):
        to_onnx(fit(train, "linear"), train.inputs[1:])


def test_a_graph_of_another_model_does_not_pass() -> None:
    train, held_out = data("adult")
    model = fit(train, "linear")
    other = to_onnx(fit(train, "linear", LogisticRegression(C=1e-4)), train.inputs).SerializeToString()
    result = check_parity(other, model, held_out.columns, held_out.inputs)
    assert not result.passed
    assert "differ by up to" in result.reason


def test_a_graph_that_cannot_run_does_not_pass() -> None:
    train, held_out = data("adult")
    result = check_parity(b"not a graph", fit(train, "linear"), held_out.columns, held_out.inputs)
    assert not result.passed
    assert "can't run the graph" in result.reason


def test_a_small_table_is_compared_on_two_thousand_rows_with_missing_and_unseen_values() -> None:
    train, held_out = data("penguins")
    assert held_out.row_count < 200
    rows = with_probes(held_out.columns, held_out.inputs)
    assert len(rows["island"]) >= 2000
    made = {name: values[held_out.row_count :] for name, values in rows.items()}
    for column in held_out.inputs:
        values = made[column.name]
        missing = values == "" if column.kind == "text" else np.isnan(values)
        known = set(held_out.columns[column.name].tolist())
        assert missing.sum() > 100
        assert sum(value not in known and value == value for value in values.tolist()) > 100
    assert parity(fit(train, "lightgbm"), held_out).row_count == len(rows["island"])
