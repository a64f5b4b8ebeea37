"""Contributions: exact on every family, in the user's columns, on missing and unseen values too."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import xgboost

from fairlead.kit.blobs import open_blob_store
from fairlead.kit.errors import DeadlineExceeded, FailedPrecondition, InvalidArgument
from fairlead.kit.rpc import deadline
from services.serving.adapters.models.memory import ProcessMemory
from services.serving.adapters.models.package import PackageLoader
from services.serving.domain.insights.explanation import Explanation
from services.serving.domain.models.cache import ModelCache
from services.serving.domain.models.model import EXPLAINED_ROWS, ModelSource
from services.serving.domain.requests.columns import Columns
from services.trainer.domain.export import FittedModel, WeightedEnsemble
from services.trainer.domain.preparation import StepSpec
from tests.unit.serving.houses import Unobserved
from tests.unit.trainer.export.candidates import fit

from .models import awkward, data, in_order, package, served

BOOSTED = ("lightgbm", "xgboost")
TREES = ["decision_tree", "random_forest", "extra_trees", *BOOSTED]
STEPS = (
    StepSpec("fill", "impute", ("age",), {"strategy": "mean", "indicator": True}),
    StepSpec("rare", "group_rare", ("native-country",), {"min_share": 0.03}),
    StepSpec("hot", "one_hot", ("race", "sex", "education-num")),
    StepSpec("order", "ordinal", ("education",), {"order": ["Preschool", "HS-grad"]}),
    StepSpec("encode", "target_encode", ("occupation", "native-country")),
    StepSpec("drop", "drop_columns", ("fnlwgt",)),
)


def totals(explanation: Explanation) -> np.ndarray:
    """What base and contributions add up to, [n, k]."""
    return np.asarray(explanation.contributions.sum(axis=2) + explanation.base_values)


def native_scores(model: FittedModel, rows: dict[str, np.ndarray]) -> np.ndarray:
    """What the libraries themselves answer on the explained scale, [n, k]."""
    features = model.preparation.transform(rows)
    if not model.classes:
        return model.predict_columns(rows)[:, np.newaxis]
    kind = type(model.estimator).__name__
    if kind == "LGBMClassifier":
        return np.asarray(model.estimator.predict_proba(features, raw_score=True)).reshape(len(features), -1)
    if kind == "XGBClassifier":
        return np.asarray(model.estimator.predict(features, output_margin=True)).reshape(len(features), -1)
    probabilities = model.predict_columns(rows)
    return probabilities[:, 1:] if len(model.classes) == 2 else probabilities


def by_column(model: FittedModel, names: list[str], features: np.ndarray) -> np.ndarray:
    """Contributions of features [n, k, features] summed by the columns they are made of."""
    result = np.zeros((*features.shape[:2], len(names)))
    position = 0
    for block in model.preparation.blocks:
        for name in block.names:
            origin = block.column if block.kind == "category" else _origin(name, names)
            result[:, :, names.index(origin)] += features[:, :, position]
            position += 1
    return result


def _origin(feature: str, names: list[str]) -> str:
    return next(name for name in names if feature in (name, f"{name} is missing") or feature.startswith(f"{name}."))


@pytest.mark.parametrize("family", TREES)
@pytest.mark.parametrize("name", ["adult", "penguins", "california"])
def test_base_and_contributions_sum_to_what_the_model_says(tmp_path: Path, name: str, family: str) -> None:
    train, held_out = data(name)
    fitted = fit(train, family)
    model = served(tmp_path / "model", fitted, held_out)
    rows = awkward(held_out)
    columns, native = in_order(held_out, rows), fitted.predict_columns(rows)
    explanation = model.explain(columns, len(native))
    np.testing.assert_allclose(totals(explanation), native_scores(fitted, rows), rtol=1e-6, atol=1e-6)
    assert explanation.scale == ("value" if not train.classes else "log_odds" if family in BOOSTED else "probability")
    prediction = model.predict(columns, len(native))
    answered = prediction.values if prediction.values is not None else prediction.probabilities
    np.testing.assert_allclose(answered, native, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("family", TREES)
def test_infinite_and_huge_values_are_explained_as_they_are_predicted(tmp_path: Path, family: str) -> None:
    train, held_out = data("california")
    model = served(tmp_path / "model", fit(train, family), held_out)
    extremes = np.array([-np.inf, np.inf, -1e39, 1e39, -1.7e308, -3.5e38, 3.5e38])
    rows = {name: values[: len(extremes)].copy() for name, values in held_out.columns.items()}
    numbers = [column.name for column in held_out.inputs if rows[column.name].dtype.kind == "f"]
    for name in numbers:
        for place, value in enumerate(extremes):
            changed = {**rows, name: np.where(np.arange(len(extremes)) == place, value, rows[name])}
            columns = in_order(held_out, changed)
            predicted = model.predict(columns, len(extremes)).values
            assert predicted is not None
            np.testing.assert_allclose(
                totals(model.explain(columns, len(extremes)))[:, 0], predicted, rtol=1e-5, atol=1e-5, err_msg=name
            )


@pytest.mark.parametrize("name", ["adult", "penguins", "california"])
def test_boosted_trees_are_explained_as_their_own_libraries_explain_them(tmp_path: Path, name: str) -> None:
    train, held_out = data(name)
    rows = awkward(held_out)
    names = [column.name for column in held_out.inputs]
    for family, tolerance in (("lightgbm", 1e-9), ("xgboost", 2e-6)):  # XGBoost's own are float32
        fitted = fit(train, family)
        features = fitted.preparation.transform(rows)
        if family == "lightgbm":
            own = np.asarray(fitted.estimator.booster_.predict(features, pred_contrib=True))
        else:
            own = fitted.estimator.get_booster().predict(xgboost.DMatrix(features), pred_contribs=True)
        own = own.reshape(len(features), -1, features.shape[1] + 1)
        model = served(tmp_path / family, fitted, held_out)
        found = model.explain(in_order(held_out, rows), len(features))
        size = np.abs(own).max()
        np.testing.assert_allclose(
            found.contributions, by_column(fitted, names, own[:, :, :-1]), atol=tolerance * max(size, 1.0)
        )
        np.testing.assert_allclose(found.base_values, own[0, :, -1], rtol=max(tolerance, 1e-9), atol=1e-6)


@pytest.mark.parametrize("family", TREES)
def test_every_kind_of_step_leads_back_to_the_users_columns(tmp_path: Path, family: str) -> None:
    train, held_out = data("adult")
    fitted = fit(train, family, steps=STEPS)
    model = served(tmp_path / "model", fitted, held_out)
    rows = awkward(held_out)
    native = native_scores(fitted, rows)
    explanation = model.explain(in_order(held_out, rows), len(native))
    assert explanation.columns == tuple(column.name for column in held_out.inputs)
    np.testing.assert_allclose(totals(explanation), native, rtol=1e-6, atol=1e-6)
    dropped = explanation.columns.index("fnlwgt")
    assert (explanation.contributions[:, :, dropped] == 0.0).all()
    assert (np.abs(explanation.contributions).max(axis=(0, 1)) > 0.0).sum() > 5


def test_a_column_contributes_what_shapleys_formula_says(tmp_path: Path) -> None:
    """All subsets of columns of a small tree, by its definition: an unknown column's splits are averaged by cover."""
    train, held_out = data("penguins")
    fitted = fit(train, "decision_tree")
    tree, features = fitted.estimator.tree_, fitted.preparation.transform(held_out.columns)[:5].astype(np.float32)

    def value(row: np.ndarray, known: frozenset[int], node: int = 0) -> np.ndarray:
        if tree.children_left[node] < 0:
            return np.asarray(tree.value[node][0])
        yes, no = tree.children_left[node], tree.children_right[node]
        split = tree.feature[node]
        if split in known:
            return value(row, known, yes if row[split] <= tree.threshold[node] else no)
        weights = tree.weighted_n_node_samples
        return np.asarray((value(row, known, yes) * weights[yes] + value(row, known, no) * weights[no]) / weights[node])

    used = sorted(set(tree.feature[tree.feature >= 0].tolist()))
    model = served(tmp_path / "model", fitted, held_out)
    few = {name: values[:5] for name, values in held_out.columns.items()}
    found = model.explain(in_order(held_out, few), 5).contributions
    names = [column.name for column in held_out.inputs]
    for index, row in enumerate(features):
        exact = np.zeros((1, len(train.classes), features.shape[1]))
        for feature in used:
            exact[0, :, feature] = _shapley(feature, used, lambda known, row=row: value(row, known))
        np.testing.assert_allclose(found[index], by_column(fitted, names, exact)[0], atol=1e-12)


def _shapley(feature: int, players: list[int], value) -> np.ndarray:  # type: ignore[no-untyped-def]
    from itertools import combinations
    from math import comb

    others = [player for player in players if player != feature]
    total = np.zeros(1)
    for size in range(len(others) + 1):
        for subset in combinations(others, size):
            known = frozenset(subset)
            total = total + (value(known | {feature}) - value(known)) / (len(players) * comb(len(others), size))
    return total


def test_rows_are_explained_alike_alone_and_among_many(tmp_path: Path) -> None:
    train, held_out = data("adult")
    model = served(tmp_path / "model", fit(train, "lightgbm"), held_out)
    whole = model.explain(in_order(held_out, held_out.columns), held_out.row_count).contributions
    for row in (0, 70, held_out.row_count - 1):
        one = {name: values[row : row + 1] for name, values in held_out.columns.items()}
        np.testing.assert_allclose(model.explain(in_order(held_out, one), 1).contributions[0], whole[row], atol=1e-12)


def test_an_ensemble_of_trees_that_predicts_values_is_explained_exactly(tmp_path: Path) -> None:
    train, held_out = data("california")
    parts = [(fit(train, family), weight) for family, weight in (("lightgbm", 3), ("extra_trees", 1), ("xgboost", 2))]
    ensemble = WeightedEnsemble(tuple(parts))
    model = served(tmp_path / "model", ensemble, held_out)
    rows = awkward(held_out)
    native = ensemble.predict_columns(rows)
    np.testing.assert_allclose(totals(model.explain(in_order(held_out, rows), len(native)))[:, 0], native, rtol=1e-6)


def test_an_ensemble_of_forests_is_explained_in_probability(tmp_path: Path) -> None:
    train, held_out = data("adult")
    ensemble = WeightedEnsemble(((fit(train, "random_forest"), 0.25), (fit(train, "extra_trees"), 0.75)))
    explanation = served(tmp_path / "model", ensemble, held_out).explain(
        in_order(held_out, held_out.columns), held_out.row_count
    )
    assert explanation.scale == "probability"
    np.testing.assert_allclose(totals(explanation)[:, 0], ensemble.predict_columns(held_out.columns)[:, 1], atol=1e-6)


@pytest.mark.parametrize("name", ["adult", "penguins"])
@pytest.mark.parametrize(
    "families",
    [
        ("lightgbm", "lightgbm"),
        ("lightgbm", "xgboost", "random_forest", "extra_trees"),
        ("linear", "lightgbm"),
        ("naive_bayes", "decision_tree", "linear"),
    ],
)
def test_an_ensemble_of_any_classifiers_is_explained_in_probability(
    tmp_path: Path, name: str, families: tuple[str, ...]
) -> None:
    train, held_out = data(name)
    members = tuple((fit(train, family), weight) for weight, family in enumerate(families, start=1))
    ensemble = WeightedEnsemble(members)
    rows = awkward(held_out)
    native = ensemble.predict_columns(rows)
    explanation = served(tmp_path / "model", ensemble, held_out).explain(in_order(held_out, rows), len(native))
    assert explanation.scale == "probability"
    np.testing.assert_allclose(totals(explanation), native if name == "penguins" else native[:, 1:], atol=1e-6)


def test_a_member_whose_scores_are_log_odds_keeps_signs_and_proportions_in_probability(tmp_path: Path) -> None:
    train, held_out = data("adult")
    fitted = fit(train, "lightgbm")
    columns = in_order(held_out, held_out.columns)
    alone = served(tmp_path / "alone", fitted, held_out).explain(columns, held_out.row_count)
    twice = WeightedEnsemble(((fitted, 1.0), (fitted, 3.0)))
    carried = served(tmp_path / "twice", twice, held_out).explain(columns, held_out.row_count)
    ratio = carried.contributions.sum(axis=2, keepdims=True) / alone.contributions.sum(axis=2, keepdims=True)
    assert (ratio > 0.0).all()
    np.testing.assert_allclose(carried.contributions, alone.contributions * ratio, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("family", ["linear", "naive_bayes"])
@pytest.mark.parametrize("name", ["adult", "penguins", "california"])
def test_models_that_add_up_over_columns_are_explained(tmp_path: Path, name: str, family: str) -> None:
    """A column at its mean adds nothing: the mean contribution over the training rows is 0."""
    train, _ = data(name)
    if family == "naive_bayes" and not train.classes:
        family = "linear"
    fitted = fit(train, family)
    model = served(tmp_path / "model", fitted, train)
    explanation = model.explain(in_order(train, train.columns), train.row_count)
    native = fitted.predict_columns(train.columns)
    said = totals(explanation)
    size = np.abs(explanation.contributions).max()
    np.testing.assert_allclose(explanation.contributions.mean(axis=0), 0.0, atol=1e-9 * size)
    if explanation.scale == "value":
        np.testing.assert_allclose(said[:, 0], native, rtol=1e-9)
    elif said.shape[1] == 1:
        np.testing.assert_allclose(0.5 + 0.5 * np.tanh(said[:, 0] / 2.0), native[:, 1], atol=1e-8)
    else:
        powers = np.exp(said - said.max(axis=1, keepdims=True))
        np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), native, atol=1e-8)


def test_a_model_that_has_no_contributions_says_why(tmp_path: Path) -> None:
    train, held_out = data("penguins")
    present = train.take(np.flatnonzero(train.target != "Chinstrap"))
    model = served(tmp_path / "model", fit(present, "lightgbm"), held_out)
    with pytest.raises(FailedPrecondition, match="a class was absent from the rows that the model was fitted on"):
        model.explain(in_order(held_out, held_out.columns), held_out.row_count)


def test_a_package_of_before_is_not_explained_but_predicts(tmp_path: Path) -> None:
    train, held_out = data("adult")
    model = served(tmp_path / "model", fit(train, "lightgbm"), held_out)
    for name in ("explain.npz", "explain.onnx", "calibration.npz"):
        (tmp_path / "model" / name).unlink()
    columns = in_order(held_out, held_out.columns)
    prediction = model.predict(columns, held_out.row_count)
    with pytest.raises(FailedPrecondition, match="export its run again"):
        model.explain(columns, held_out.row_count)
    with pytest.raises(FailedPrecondition, match="export its run again"):
        model.interval(prediction, 0.9)


def test_a_broken_file_is_told_and_read_again_at_the_next_request(tmp_path: Path) -> None:
    train, held_out = data("adult")
    model = served(tmp_path / "model", fit(train, "lightgbm"), held_out)
    path, columns = tmp_path / "model" / "explain.npz", in_order(held_out, held_out.columns)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FailedPrecondition, match="is broken"):
        model.explain(columns, held_out.row_count)
    path.write_bytes(whole)
    assert model.explain(columns, held_out.row_count).scale == "log_odds"


def many(columns: Columns, rows: int) -> Columns:
    """So many rows of a few."""
    return tuple(np.resize(column, rows) for column in columns)


def test_a_request_may_have_so_many_rows_explained_and_no_more(tmp_path: Path) -> None:
    train, held_out = data("california")
    model = served(tmp_path / "model", fit(train, "decision_tree"), held_out)
    columns = in_order(held_out, held_out.columns)
    with pytest.raises(InvalidArgument, match="at most 1000 rows a request, and this one has 1001; send fewer"):
        model.explain(many(columns, EXPLAINED_ROWS + 1), EXPLAINED_ROWS + 1)
    explanation = model.explain(many(columns, EXPLAINED_ROWS), EXPLAINED_ROWS)
    few = model.explain(many(columns, 3), 3)
    np.testing.assert_array_equal(explanation.contributions[:3], few.contributions)
    assert explanation.contributions.shape == (EXPLAINED_ROWS, 1, len(columns))


def test_explaining_ends_with_the_callers_time(tmp_path: Path) -> None:
    train, held_out = data("california")
    model = served(tmp_path / "model", fit(train, "random_forest"), held_out)
    columns = many(in_order(held_out, held_out.columns), EXPLAINED_ROWS)
    model.explain(many(columns, 1), 1)
    with deadline.within(1e-6), pytest.raises(DeadlineExceeded):
        model.explain(columns, EXPLAINED_ROWS)
    with deadline.within(600.0):
        assert len(model.explain(columns, EXPLAINED_ROWS).contributions) == EXPLAINED_ROWS


def test_an_explainer_counts_as_its_models_memory(tmp_path: Path) -> None:
    train, held_out = data("adult")
    folder = package(tmp_path / "model", fit(train, "lightgbm"), held_out)
    memory = ProcessMemory()
    blobs = open_blob_store(f"file://{tmp_path}/blobs", tmp_path / "cache")
    loader = PackageLoader(blobs)
    cache = ModelCache(
        loader.load,
        fetch=loader.fetch,
        budget_bytes=1 << 40,
        resident_bytes=memory.resident_bytes,
        used_bytes=memory.used_bytes,
        loaders=1,
        observer=Unobserved(),
        clock=time.monotonic,
    )
    loader.count_in = cache.include
    model = cache.get(ModelSource("projects/p/models/m/versions/1", blobs.put_folder(folder, "models/p/m")))
    before, columns = cache.usage().bytes, in_order(held_out, held_out.columns)
    model.explain(many(columns, 1), 1)
    grown = cache.usage().bytes - before
    # Its tables alone.
    assert grown > 100_000
    model.explain(many(columns, 1), 1)
    assert cache.usage().bytes == before + grown
    cache.close()


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    """What explaining needs may even be absent while the model is loaded and predicts."""
    train, held_out = data("adult")
    folder = package(tmp_path / "model", fit(train, "lightgbm"), held_out)
    kept = {name: (folder / name).read_bytes() for name in ("explain.npz", "explain.onnx", "calibration.npz")}
    for name in kept:
        (folder / name).unlink()
    from services.serving.adapters.models.package import load_package

    model = load_package(folder, "projects/p/models/m/versions/1")
    columns = in_order(held_out, held_out.columns)
    prediction = model.predict(columns, held_out.row_count)
    for name, content in kept.items():
        (folder / name).write_bytes(content)
    assert model.explain(columns, held_out.row_count).contributions.shape == (held_out.row_count, 1, len(columns))
    assert model.interval(prediction, 0.9).contains is not None
