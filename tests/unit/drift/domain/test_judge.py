"""The two promises of the service: silence on traffic that has not drifted, and an alert on traffic that has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from fairlead.api.common.v1 import table_pb2
from services.drift.adapters.reference_reader import read_reference
from services.drift.domain.alerting import condition
from services.drift.domain.judge import Verdict, discoveries, judge
from services.drift.domain.policy import Policy
from services.drift.domain.reference import Reference
from services.drift.domain.severity import Severity
from services.drift.domain.window import sketch_rows
from tests.unit.drift.capture import Table, capture, read_table, row_count, take
from tests.unit.drift.events import adult

ADULT = adult()
CALIFORNIA = read_table("california_housing/california_housing.csv.gz")
CHURN = read_table("telco_churn/telco_churn.csv.gz")
CREDIT = read_table("credit_g/credit_g.csv")
HEART = read_table("heart_disease/heart_disease.csv")
TABLES = {
    "adult": (ADULT, "score"),
    "california": (CALIFORNIA, "median_house_value"),
    "churn": (CHURN, "Churn"),
    "credit": (CREDIT, ""),
}


def verdict(reference: Reference, rows: Table, prediction: str = "", policy: Policy | None = None) -> Verdict:
    count = row_count(rows)
    return judge(reference, sketch_rows(reference, rows, rows.get(prediction, []), count), policy or Policy())


def undrifted(table: Table, prediction: str, size: int, windows: int) -> Iterator[Verdict]:
    """Judge windows of rows that the reference was not made of, drawn at random; several references."""
    draw = np.random.default_rng(size)
    half = row_count(table) // 2
    for number in range(windows):
        if number % 25 == 0:
            shuffled = draw.permutation(row_count(table))
            reference = read_reference(capture(take(table, shuffled[:half]), prediction))
        rows = take(table, draw.choice(shuffled[half:], size, replace=False))
        yield verdict(reference, rows, prediction)


@pytest.mark.parametrize("size", [100, 200, 500, 1000])
@pytest.mark.parametrize("name", ["adult", "california", "churn"])
def test_no_alert_and_hardly_a_graded_window_on_undrifted_traffic(name: str, size: int) -> None:
    windows = 200
    grades = [each.severity for each in undrifted(*TABLES[name], size, windows)]
    assert sum(grade > Severity.OK for grade in grades) <= 2
    if size >= 500:
        assert set(grades) == {Severity.OK}
    for end in range(1, windows + 1):
        assert condition(grades[:end], Policy()) is Severity.OK


def test_no_alert_on_undrifted_traffic_against_a_small_reference() -> None:
    grades = [each.severity for each in undrifted(*TABLES["credit"], 200, 200)]
    assert all(condition(grades[:end], Policy()) is Severity.OK for end in range(1, 201))


def test_a_plain_threshold_would_have_cried_wolf() -> None:
    raw = [max(c.scores[0].value for c in each.columns) for each in undrifted(*TABLES["adult"], 200, 50)]
    assert sum(value >= Policy().warning_threshold for value in raw) >= 5


@pytest.fixture(scope="module")
def adult_reference() -> Reference:
    return read_reference(capture(take(ADULT, np.arange(16_000)), "score"))


def fresh_adults(rows: int) -> Table:
    return take(ADULT, np.arange(16_000, 16_000 + rows))


def drifted_names(found: Verdict) -> list[str]:
    return [column.column for column in found.drifted()]


@pytest.mark.parametrize("size", [200, 500, 5000])
def test_older_people_are_critical_and_named_with_what_changed(adult_reference: Reference, size: int) -> None:
    rows = fresh_adults(size)
    found = verdict(adult_reference, rows | {"age": np.asarray(rows["age"]) + 15}, "score")
    assert found.severity is Severity.CRITICAL
    assert drifted_names(found) == ["age"]
    (age,) = found.drifted()
    assert age.summary.startswith("mean 38.")
    assert {score.statistic for score in age.scores} == {"psi", "ks", "jensen_shannon", "wasserstein"}


def test_doubled_hours_are_critical(adult_reference: Reference) -> None:
    rows = fresh_adults(500)
    found = verdict(adult_reference, rows | {"hours-per-week": np.asarray(rows["hours-per-week"]) * 2}, "score")
    assert drifted_names(found) == ["hours-per-week"] and found.severity is Severity.CRITICAL


def test_swapped_categories_are_critical(adult_reference: Reference) -> None:
    rows = fresh_adults(500)
    swap = {"Male": "Female", "Female": "Male"}
    found = verdict(adult_reference, rows | {"sex": [swap[str(sex)] for sex in rows["sex"]]}, "score")
    assert drifted_names(found) == ["sex"]
    (sex,) = found.drifted()
    assert sex.severity is Severity.CRITICAL and sex.summary.startswith("'Female' 33% -> ")
    assert {score.statistic for score in sex.scores} == {"psi", "chi_squared", "jensen_shannon"}


def test_a_category_that_was_never_seen_is_named(adult_reference: Reference) -> None:
    rows = fresh_adults(500)
    texts = ["Martian" if i % 5 == 0 else str(text) for i, text in enumerate(rows["workclass"])]
    found = verdict(adult_reference, rows | {"workclass": texts}, "score")
    assert [column.summary for column in found.drifted()] == ["unseen 'Martian' 0% -> 20%"]


def test_values_that_go_missing_are_drift(adult_reference: Reference) -> None:
    rows = fresh_adults(500)
    ages = np.where(np.arange(500) % 4 == 0, np.nan, np.asarray(rows["age"], dtype=np.float64))
    found = verdict(adult_reference, rows | {"age": ages}, "score")
    assert [(column.column, column.summary) for column in found.drifted()] == [("age", "missing 0% -> 25%")]


def test_drift_of_the_prediction_alone_is_seen(adult_reference: Reference) -> None:
    rows = fresh_adults(500)
    found = verdict(adult_reference, rows | {"score": np.asarray(rows["score"]) * 0.5}, "score")
    assert [(column.column, column.is_prediction) for column in found.drifted()] == [("prediction", True)]


def test_a_large_window_is_not_alarmed_by_a_trifle(adult_reference: Reference) -> None:
    rows = fresh_adults(16_000)
    found = verdict(adult_reference, rows | {"age": np.asarray(rows["age"]) + 1}, "score")
    assert found.severity is Severity.OK


def test_southern_blocks_are_not_northern_ones() -> None:
    north = np.flatnonzero(np.asarray(CALIFORNIA["latitude"]) > 36)
    south = np.flatnonzero(np.asarray(CALIFORNIA["latitude"]) <= 36)
    reference = read_reference(capture(take(CALIFORNIA, north), "median_house_value"))
    found = verdict(reference, take(CALIFORNIA, south[:500]), "median_house_value")
    assert found.severity is Severity.CRITICAL
    assert {"latitude", "longitude"} <= set(drifted_names(found))


def test_another_hospital_is_drift_though_both_are_small() -> None:
    reference = read_reference(capture(HEART, "num"))
    found = verdict(reference, read_table("heart_disease/heart_disease_va.csv"), "num")
    assert found.severity is Severity.CRITICAL
    assert {"ca", "thal", "age"} <= set(drifted_names(found))


def test_the_hospital_itself_is_not() -> None:
    reference = read_reference(capture(take(HEART, np.arange(0, 303, 2)), "num"))
    assert verdict(reference, take(HEART, np.arange(1, 303, 2)), "num").severity is Severity.OK


def test_time_that_passes_is_scored_but_never_graded() -> None:
    message = capture({"when": np.linspace(1.6e9, 1.7e9, 1000)})
    message.columns[0].kind = table_pb2.COLUMN_KIND_DATETIME
    found = verdict(read_reference(message), {"when": np.linspace(1.75e9, 1.76e9, 500)})
    assert found.severity is Severity.OK
    assert found.columns[0].scores[0].value > 1
    assert found.columns[0].summary == "mean 2022-04-15 05:20 -> 2025-08-12 12:00"


def test_thresholds_are_the_policys(adult_reference: Reference) -> None:
    rows = fresh_adults(500) | {"age": np.asarray(fresh_adults(500)["age"]) + 4}
    by_threshold = {
        policy: verdict(adult_reference, rows, "score", policy).severity
        for policy in (Policy(), Policy(warning_threshold=0.05, critical_threshold=0.1), Policy(500, 2.0, 3.0))
    }
    assert list(by_threshold.values()) == [Severity.WARNING, Severity.CRITICAL, Severity.OK]


def test_benjamini_and_hochberg_find_what_their_paper_finds() -> None:
    # The fifteen p-values of section 3.2 of the 1995 paper; at 0.05 the first four are discoveries.
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p_values += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    assert sum(discoveries(p_values, 0.05)) == 4
    assert discoveries([]) == []
