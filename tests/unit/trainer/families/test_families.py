"""What every model family promises to the search."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from services.trainer.domain.families import FAMILIES, Family, FitRequest, Problem, families_for, find_family
from services.trainer.domain.search.proposals import contains

GENERATOR = np.random.default_rng(3)
FEATURES = GENERATOR.normal(size=(600, 6))
SIGNAL = FEATURES[:, 0] + 0.5 * FEATURES[:, 1]
TARGETS = {
    "binary": (SIGNAL > 0).astype(np.int64),
    "multiclass": np.digitize(SIGNAL, [-0.7, 0.7]),
    "regression": SIGNAL + 0.1 * GENERATOR.normal(size=600),
}
PROBLEMS = {
    "binary": Problem("binary", 400, 6, 2),
    "multiclass": Problem("multiclass", 400, 6, 3),
    "regression": Problem("regression", 400, 6),
}
PAIRS = [(family, task) for family in FAMILIES for task in PROBLEMS if family.portfolio(PROBLEMS[task])]


def request_for(family: Family, task: str, seconds: float = float("inf"), validate: bool = True) -> FitRequest:
    target = TARGETS[task]
    return FitRequest(
        problem=PROBLEMS[task],
        features=FEATURES[:400],
        target=target[:400],
        params=family.portfolio(PROBLEMS[task])[0],
        threads=1,
        validation=(FEATURES[400:], target[400:]) if validate else None,
        remaining=lambda: seconds,
    )


@pytest.mark.parametrize(("family", "task"), PAIRS, ids=lambda value: getattr(value, "name", value))
def test_a_family_learns_more_than_the_baseline(family: Family, task: str) -> None:
    fit = family.fit(request_for(family, task))
    truth = TARGETS[task][400:]
    if task == "regression":
        assert np.mean((fit.estimator.predict(FEATURES[400:]) - truth) ** 2) < 0.5 * np.var(truth)
    else:
        probabilities = fit.estimator.predict_proba(FEATURES[400:])
        assert probabilities.shape == (200, PROBLEMS[task].classes)
        assert np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)
        assert (probabilities.argmax(axis=1) == truth).mean() > 0.75


@pytest.mark.parametrize(("family", "task"), PAIRS, ids=lambda value: getattr(value, "name", value))
def test_a_fit_can_be_repeated_and_stored(family: Family, task: str) -> None:
    fit = family.fit(request_for(family, task))
    again = family.fit(request_for(family, task))
    stored = pickle.loads(pickle.dumps(fit.estimator))
    for other in (again.estimator, stored):
        assert np.allclose(other.predict(FEATURES[400:]), fit.estimator.predict(FEATURES[400:]))


@pytest.mark.parametrize(("family", "task"), PAIRS, ids=lambda value: getattr(value, "name", value))
def test_the_portfolio_lies_within_the_space_so_that_the_sampler_learns_from_it(family: Family, task: str) -> None:
    for rows in (300, 5_000, 200_000):
        problem = Problem(task, rows, 6, PROBLEMS[task].classes)
        for params in family.portfolio(problem):
            assert contains(family.space(problem), params), (rows, params)
            assert family.cost(problem, params) > 0


@pytest.mark.parametrize(
    ("family", "task"),
    [(family, task) for family, task in PAIRS if family.interruptible],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_fit_that_is_out_of_time_gives_a_smaller_model(family: Family, task: str) -> None:
    fit = family.fit(request_for(family, task, seconds=-1.0))
    assert fit.truncated
    assert int(fit.params["n_estimators"]) < int(family.portfolio(PROBLEMS[task])[0]["n_estimators"])
    assert np.isfinite(fit.estimator.predict(FEATURES[400:])).all()


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_boosting_stops_early_and_tells_the_number_of_trees_to_refit_with(name: str) -> None:
    family = find_family(name)
    request = request_for(family, "binary")
    fit = family.fit(request)
    assert not fit.truncated
    assert int(fit.params["n_estimators"]) < int(request.params["n_estimators"])


def test_naive_bayes_does_not_offer_itself_for_values() -> None:
    names = [family.name for family in families_for(PROBLEMS["regression"])]
    assert "naive_bayes" not in names
    assert "linear" in names


def test_only_the_named_families_are_taken() -> None:
    assert [family.name for family in families_for(PROBLEMS["binary"], ("linear", "lightgbm"))] == [
        "lightgbm",
        "linear",
    ]


def test_an_unknown_family_is_refused_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match="'perceptron' is no model family; use one of lightgbm, linear"):
        find_family("perceptron")
