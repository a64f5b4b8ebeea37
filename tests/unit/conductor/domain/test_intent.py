from __future__ import annotations

import pytest

from fairlead.kit.errors import InvalidArgument
from services.conductor.domain.intent import Intent, form_intent, read_goal


@pytest.mark.parametrize(
    ("goal", "intent"),
    [
        ("predict income", Intent(target="income")),
        ("Predict the income from adult within 60 s", Intent("adult", "income", 60.0)),
        ("classify species using penguins in 2 minutes", Intent("penguins", "species", 120.0)),
        ("forecast median_house_value on housing, 1.5h", Intent("housing", "median_house_value", 5400.0)),
        ("predict churn from telco by accuracy", Intent("telco", "churn", metric="accuracy")),
        ("predict churn by ROC AUC with lightgbm and random forest", Intent(
            target="churn", metric="roc_auc", families=("random_forest", "lightgbm"))),
        ('predict "hours per week" from adult', Intent("adult", "hours per week")),
        ("", Intent()),
    ],
)  # fmt: skip
def test_a_goal_in_plain_words_is_read(goal: str, intent: Intent) -> None:
    assert read_goal(goal) == intent


def test_explicit_fields_win_over_the_goal() -> None:
    intent = form_intent("predict income from adult in 60 s", "census", "age", 30.0, "rmse", ["xgboost"])

    assert intent == Intent("census", "age", 30.0, "rmse", ("xgboost",))


def test_the_budget_is_a_minute_when_nothing_is_said() -> None:
    assert form_intent("", "adult", "", 0.0, "", []).budget_seconds == 60.0


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("dataset", ("predict income", "", "", 0.0, "", [])),
        ("budget", ("", "adult", "", 1.0, "", [])),
        ("metric", ("", "adult", "", 0.0, "beauty", [])),
        ("families", ("", "adult", "", 0.0, "", ["oracle"])),
    ],
)
def test_what_cannot_be_met_is_refused_by_field(
    field: str, arguments: tuple[str, str, str, float, str, list[str]]
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        form_intent(*arguments)

    assert [violation.field for violation in refused.value.violations] == [field]
