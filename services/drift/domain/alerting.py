"""When verdicts become an alert."""

from __future__ import annotations

from collections.abc import Sequence

from .judge import Verdict
from .policy import Policy
from .severity import Severity

COLUMNS_NAMED = 3


def condition(recent: Sequence[Severity], policy: Policy) -> Severity:
    """Return the grade that enough of the last windows reach (newest last); OK when too few drifted."""
    considered = sorted(recent[-policy.windows_considered :], reverse=True)
    if len(considered) < policy.windows_to_alert:
        return Severity.OK
    return considered[policy.windows_to_alert - 1]


def next_alerted(alerted: Severity, now: Severity, newest: Severity) -> tuple[Severity, bool]:
    """Return the grade that is alerted from now on, and whether to raise an alert.

    An alert is raised when the condition begins and when it worsens; it can be raised again once it has passed. A
    change of policy can begin a condition after a quiet window; the alert then waits for the next drifted one, so
    that it has columns to name.
    """
    if now > alerted and newest > Severity.OK:
        return now, True
    return (Severity.OK if now is Severity.OK else alerted), False


def message(verdict: Verdict) -> str:
    """Return the alert's sentence: how many columns drifted, and the worst with score and change."""
    drifted = verdict.drifted()
    named = []
    for column in drifted[:COLUMNS_NAMED]:
        psi = next(score.value for score in column.scores if score.statistic == "psi")
        named.append(f"{column.column} (PSI {psi:.2f}, {column.summary})")
    rest = len(drifted) - len(named)
    tail = f" and {rest} more" if rest > 0 else ""
    verb = "column" if len(verdict.columns) == 1 else "columns"
    return f"{len(drifted)} of {len(verdict.columns)} {verb} drifted: {', '.join(named)}{tail}"
