from __future__ import annotations

import pytest

from services.conductor.domain.choice import Candidate, choose_families
from services.conductor.domain.progress import WEIGHTS, overall
from services.conductor.domain.review import judge
from services.conductor.domain.steps import Choice, Suggested, choose_steps
from services.conductor.stages import STAGES

SUGGESTED = [Candidate("linear", 0.5), Candidate("lightgbm", 0.9), Candidate("xgboost", 0.8), Candidate("linear", 0.4)]


def test_a_long_budget_tries_every_suggested_family_surest_first() -> None:
    assert choose_families(SUGGESTED, [], 60.0) == ("lightgbm", "xgboost", "linear")


def test_a_short_budget_tries_the_surest_two() -> None:
    assert choose_families(SUGGESTED, [], 5.0) == ("lightgbm", "xgboost")


def test_wanted_families_are_taken_as_they_are() -> None:
    assert choose_families(SUGGESTED, ["naive_bayes"], 5.0) == ("naive_bayes",)


def test_a_winner_over_the_baseline_passes_without_asking() -> None:
    verdict = judge("roc_auc", {"roc_auc": 0.9}, {"roc_auc": 0.5}, require_approval=False)

    assert not verdict.ask
    assert verdict.summary == "held-out roc_auc 0.9000, baseline 0.5000"


@pytest.mark.parametrize(
    ("metric", "won", "naive"), [("accuracy", 0.7, 0.7), ("accuracy", 0.6, 0.7), ("rmse", 2.0, 1.0)]
)
def test_a_winner_no_better_than_the_baseline_asks(metric: str, won: float, naive: float) -> None:
    verdict = judge(metric, {metric: won}, {metric: naive}, require_approval=False)

    assert verdict.ask
    assert "does not beat" in verdict.summary


def test_policy_asks_whatever_the_figures() -> None:
    assert judge("rmse", {"rmse": 1.0}, {"rmse": 2.0}, require_approval=True).ask


def test_a_missing_figure_asks() -> None:
    assert judge("rmse", {}, {"rmse": 2.0}, require_approval=False).ask


def test_likely_steps_are_taken_and_unsure_ones_are_told() -> None:
    suggested = [Suggested("impute", 0.9), Suggested("drop-duplicates", 0.45), Suggested("scale", 0.6)]

    assert choose_steps(suggested, {"scale"}) == Choice(taken=("impute",), unsure=("drop-duplicates",))


def test_progress_rises_through_all_stages_to_one() -> None:
    points = [overall(stage.id, within) for stage in STAGES for within in (0.0, 0.5, 1.0)]

    assert points == sorted(points)
    assert points[0] == 0.0
    assert points[-1] == 1.0
    assert [stage.id for stage in STAGES] == list(WEIGHTS)


def test_progress_of_an_unknown_stage_is_a_defect() -> None:
    with pytest.raises(KeyError):
        overall("dream")
