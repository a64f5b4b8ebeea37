from __future__ import annotations

from services.profiler.domain.advice.models import suggest_models
from services.profiler.domain.advice.warnings import warn
from tests.unit.profiler.tables import profile_of

FAMILIES = {"linear", "naive_bayes", "decision_tree", "random_forest", "extra_trees", "lightgbm", "xgboost"}


def test_all_families_are_ranked_with_figures_from_the_data() -> None:
    choices = suggest_models(profile_of("adult/adult.csv"))
    assert {choice.family for choice in choices} == FAMILIES
    assert [choice.confidence for choice in choices] == sorted((c.confidence for c in choices), reverse=True)
    assert all(choice.rationale and "75.9 %" in choice.preview for choice in choices)


def test_few_rows_move_forests_and_linear_models_up() -> None:
    small = [choice.family for choice in suggest_models(profile_of("heart_disease/heart_disease.csv"))]
    large = [choice.family for choice in suggest_models(profile_of("diamonds/diamonds.csv.gz"))]
    assert small.index("random_forest") < small.index("lightgbm")
    assert small.index("linear") < small.index("xgboost")
    assert large[0] == "lightgbm"


def test_parts_of_a_total_are_warned_of() -> None:
    assert any(
        "'casual' and 'registered'" in line for line in warn(profile_of("bike_sharing/bike_sharing_hour.csv.gz"))
    )


def test_a_suspicious_sentinel_is_warned_of_once_with_its_columns() -> None:
    lines = [line for line in warn(profile_of("air_quality/air_quality.csv.gz")) if line.startswith("-200")]
    assert len(lines) == 1
    assert "'CO(GT)' (1,683 rows)" in lines[0]


def test_rows_without_the_target_and_rare_classes_are_warned_of() -> None:
    assert any("213 rows have no value" in line for line in warn(profile_of("awkward/movies_records_mixed.json.gz")))
    assert any("'B' has 1" in line for line in warn(profile_of("birdstrikes/birdstrikes.csv.gz")))


def test_a_table_without_usable_columns_is_warned_of() -> None:
    assert any("No column is left" in line for line in warn(profile_of("sms_spam/sms_spam.csv.gz")))


def test_a_fine_table_has_no_warnings() -> None:
    assert warn(profile_of("telco_churn/telco_churn.csv.gz")) == ()
