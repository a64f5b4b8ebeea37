from __future__ import annotations

import pytest

from services.drift.domain.alerting import condition, next_alerted
from services.drift.domain.policy import Policy, problems
from services.drift.domain.severity import Severity

OK, WARNING, CRITICAL = Severity.OK, Severity.WARNING, Severity.CRITICAL


def raised(grades: list[Severity], policy: Policy) -> list[Severity | None]:
    """Return what is raised after each window."""
    alerted, result = OK, []
    for end in range(1, len(grades) + 1):
        alerted, new = next_alerted(alerted, condition(grades[:end], policy), grades[end - 1])
        result.append(alerted if new else None)
    return result


def test_one_drifted_window_is_no_alert_and_the_second_of_three_is() -> None:
    assert raised([WARNING, OK, OK, WARNING, OK, WARNING], Policy()) == [None] * 5 + [WARNING]


def test_an_alert_is_raised_once_while_its_condition_lasts() -> None:
    assert raised([CRITICAL] * 6, Policy()) == [None, CRITICAL, None, None, None, None]


def test_it_is_raised_again_when_it_worsens() -> None:
    assert raised([WARNING, WARNING, CRITICAL, CRITICAL], Policy()) == [None, WARNING, None, CRITICAL]


def test_it_is_not_raised_again_when_it_eases_without_recovering() -> None:
    assert raised([CRITICAL, CRITICAL, WARNING, WARNING, CRITICAL, CRITICAL], Policy())[2:] == [None] * 4


def test_it_can_be_raised_again_after_a_recovery() -> None:
    grades = [WARNING, WARNING, OK, OK, WARNING, WARNING]
    assert raised(grades, Policy()) == [None, WARNING, None, None, None, WARNING]


def test_a_policy_of_one_window_alerts_at_once() -> None:
    assert raised([OK, WARNING], Policy(windows_to_alert=1, windows_considered=1)) == [None, WARNING]


def test_an_alert_that_a_new_policy_makes_waits_for_a_drifted_window() -> None:
    assert next_alerted(OK, WARNING, newest=OK) == (OK, False)


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        (Policy(window_rows=49), "window_rows"),
        (Policy(warning_threshold=0), "warning_threshold"),
        (Policy(warning_threshold=float("nan")), "warning_threshold"),
        (Policy(critical_threshold=0.05), "critical_threshold"),
        (Policy(windows_to_alert=0), "windows_to_alert"),
        (Policy(windows_to_alert=4), "windows_to_alert"),
        (Policy(windows_considered=101), "windows_considered"),
    ],
)
def test_a_policy_that_makes_no_sense_is_told_by_its_field(policy: Policy, field: str) -> None:
    assert field in [name for name, _ in problems(policy)]


def test_the_default_policy_makes_sense() -> None:
    assert problems(Policy()) == ()
