from __future__ import annotations

import numpy as np
import pyarrow as pa

from services.trainer.domain.preparation import PreparationPipeline, StepSpec
from services.trainer.domain.table import TrainingTable

from .tables import adult, table, texts

AB = ["p", "q"] * 3


def fitted(read: TrainingTable, *steps: StepSpec, family: str = "lightgbm") -> PreparationPipeline:
    return PreparationPipeline(steps, family).fit(read)


def messages(pipeline: PreparationPipeline, step_id: str) -> list[tuple[str, int]]:
    return [(r.message, r.rows_affected) for r in pipeline.reports if r.step_id == step_id]


def test_impute_replaces_missing_numbers_and_says_so() -> None:
    read = table({"age": pa.array([30.0, None, 36.0, None, 41.145, 30.0])}, AB)
    pipeline = fitted(read, StepSpec("fill", "impute", ("age",), {"strategy": "mean"}))
    assert messages(pipeline, "fill") == [("Replaced 2 nulls in 'age' with mean 34.286", 2)]
    assert pipeline.transform({"age": np.array([np.nan])}).item() == np.mean([30, 36, 41.145, 30])


def test_impute_counts_the_real_nulls_of_adult() -> None:
    steps = [StepSpec("fill", "impute", ("workclass", "occupation"), {"strategy": "most_frequent"})]
    pipeline = PreparationPipeline(steps, "linear").fit(adult(40_000))
    assert messages(pipeline, "fill") == [
        ("Replaced 1,836 nulls in 'workclass' with the most frequent value 'Private'", 1836),
        ("Replaced 1,843 nulls in 'occupation' with the most frequent value 'Prof-specialty'", 1843),
    ]


def test_impute_knows_median_most_frequent_and_constant() -> None:
    read = table({"x": pa.array([1.0, 1.0, 5.0, 9.0, 10.0, None])}, AB)
    cases: list[tuple[dict[str, object], float]] = [
        ({"strategy": "median"}, 5.0),
        ({"strategy": "most_frequent"}, 1.0),
        ({"strategy": "constant", "value": -1.0}, -1.0),
    ]
    for params, expected in cases:
        pipeline = fitted(read, StepSpec("fill", "impute", ("x",), params))
        assert pipeline.transform({"x": np.array([np.nan])}).item() == expected


def test_an_indicator_tells_where_a_number_was_missing() -> None:
    read = table({"x": pa.array([1.0, None, 5.0, 9.0, 10.0, None])}, AB)
    pipeline = fitted(read, StepSpec("fill", "impute", ("x",), {"strategy": "mean", "indicator": True}))
    assert pipeline.feature_names == ("x", "x is missing")
    np.testing.assert_array_equal(pipeline.transform(read.columns)[:, 1], [0, 1, 0, 0, 0, 1])


def test_missing_codes_get_a_name_and_become_a_category() -> None:
    read = table({"code": pa.array([1, 2, None, 1, 2, None])}, AB)
    pipeline = fitted(
        read,
        StepSpec("fill", "impute", ("code",), {"strategy": "constant", "fill_value": "missing"}),
        StepSpec("hot", "one_hot", ("code",)),
    )
    assert pipeline.feature_names == ("code=1", "code=2", "code=missing")
    np.testing.assert_array_equal(
        pipeline.transform({"code": np.array([np.nan, 2.0, 7.0])}), [[0, 0, 1], [0, 1, 0], [0] * 3]
    )


def test_one_hot_is_all_zero_for_unseen_values_and_marks_missing_ones() -> None:
    read = table({"w": ["b", "a", None, "a", "b", "a"]}, AB)
    pipeline = fitted(read, StepSpec("hot", "one_hot", ("w",)))
    assert pipeline.feature_names == ("w=missing", "w=a", "w=b")
    features = pipeline.transform({"w": texts(["a", "", "never"])})
    np.testing.assert_array_equal(features, [[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    assert messages(pipeline, "hot") == [("One-hot encoded 'w' into 3 features", 6)]


def test_one_hot_keeps_the_most_frequent_when_told() -> None:
    read = table({"w": ["a", "a", "a", "b", "b", "c"]}, AB)
    pipeline = fitted(read, StepSpec("hot", "one_hot", ("w",), {"max_categories": 2.0}))
    assert pipeline.feature_names == ("w=a", "w=b")


def test_ordinal_follows_the_given_order_and_gives_minus_one_to_the_unknown() -> None:
    read = table({"size": ["L", "S", "M", "XL", None, "S"]}, AB)
    pipeline = fitted(read, StepSpec("order", "ordinal", ("size",), {"order": ["S", "M", "L"]}))
    features = pipeline.transform({"size": texts(["S", "M", "L", "XL", "", "huge"])})
    assert features.ravel().tolist() == [0, 1, 2, 3, -1, -1]


def test_rare_categories_and_unseen_ones_become_other() -> None:
    read = table({"w": ["a"] * 10 + ["b"] * 8 + ["c", "d"]}, ["p", "q"] * 10)
    pipeline = fitted(
        read, StepSpec("rare", "group_rare", ("w",), {"min_share": 0.1}), StepSpec("hot", "one_hot", ("w",))
    )
    assert messages(pipeline, "rare") == [("Grouped 2 rare categories of 'w' (2 rows) into 'other'", 2)]
    assert pipeline.feature_names == ("w=a", "w=b", "w=other")
    np.testing.assert_array_equal(
        pipeline.transform({"w": texts(["d", "never", "a"])}), [[0, 0, 1], [0, 0, 1], [1, 0, 0]]
    )


def test_nothing_rare_leaves_unseen_values_unseen() -> None:
    read = table({"w": ["a", "b"] * 10}, ["p", "q"] * 10)
    pipeline = fitted(read, StepSpec("rare", "group_rare", ("w",)), StepSpec("hot", "one_hot", ("w",)))
    assert pipeline.transform({"w": texts(["never"])}).tolist() == [[0, 0]]


def test_scale_centres_for_linear_models_and_leaves_trees_alone() -> None:
    read = table({"x": pa.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])}, AB)
    step = StepSpec("scale", "scale", ("x",))
    linear = fitted(read, step, family="linear")
    features = linear.transform(read.columns)
    np.testing.assert_allclose([features.mean(), features.std()], [0, 1], atol=1e-12)
    assert messages(linear, "scale") == [("Scaled 'x': subtracted 3.5, divided by 1.708", 6)]
    forest = fitted(read, step, family="random_forest")
    np.testing.assert_array_equal(forest.transform(read.columns).ravel(), read.columns["x"])
    assert messages(forest, "scale") == [("Left 'x' as it is: trees compare values, not sizes", 0)]


def test_scale_knows_minmax_and_robust() -> None:
    read = table({"x": pa.array([0.0, 1.0, 2.0, 3.0, 4.0])}, ["p", "q", "p", "q", "p"])
    for method, expected in [("minmax", [0, 0.25, 0.5, 0.75, 1]), ("robust", [-1, -0.5, 0, 0.5, 1])]:
        pipeline = fitted(read, StepSpec("scale", "scale", ("x",), {"method": method}), family="linear")
        np.testing.assert_allclose(pipeline.transform(read.columns).ravel(), expected)


def test_dropped_columns_are_not_read() -> None:
    read = table({"id": [1, 2, 3, 4, 5, 6], "x": [6, 5, 4, 3, 2, 1]}, AB)
    pipeline = fitted(read, StepSpec("drop", "drop_columns", ("id",)))
    assert pipeline.fitted.input_names == ("x",)
    assert messages(pipeline, "drop") == [("Dropped 'id'", 6)]


def test_each_report_is_also_a_log_line_with_its_source() -> None:
    read = table({"age": pa.array([30.0, None, 36.0, None, 41.0, 30.0])}, AB)
    lines: list[tuple[str, str, dict[str, object]]] = []
    PreparationPipeline([StepSpec("fill", "impute", ("age",), {"strategy": "mean"})], "lightgbm").fit(
        read, log=lambda source, message, meta: lines.append((source, message, meta))
    )
    source, message, meta = lines[0]
    assert (source, message) == ("prepare.impute", "Replaced 2 nulls in 'age' with mean 34.25")
    assert (meta["step"], meta["rows"], meta["column"]) == ("fill", 2, "age")
