"""The topics of Fairlead; the message of each is in protos/fairlead/api/events/v1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

TASKS = "fairlead.tasks"
LOGS = "fairlead.logs"
PREDICTIONS = "fairlead.predictions"
FEEDBACK = "fairlead.feedback"
ALERTS = "fairlead.alerts"
DEPLOYMENTS = "fairlead.deployments"
AUDIT = "fairlead.audit"

ALL = (TASKS, LOGS, PREDICTIONS, FEEDBACK, ALERTS, DEPLOYMENTS, AUDIT)

_WEEK = timedelta(days=7)
_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class TopicSpec:
    """How a topic is made: its partitions bound how many members of a group share its work; retention is by age."""

    name: str
    partitions: int
    retention: timedelta


def dead_letter(topic: str) -> str:
    """Return the name of the topic for what the consumers of a topic can't use."""
    return f"{topic}.dead-letter"


SPECS = (
    TopicSpec(TASKS, 6, _WEEK),
    TopicSpec(LOGS, 6, _WEEK),
    TopicSpec(PREDICTIONS, 12, _WEEK),
    TopicSpec(FEEDBACK, 6, _WEEK),
    TopicSpec(ALERTS, 3, _YEAR),
    TopicSpec(DEPLOYMENTS, 3, _YEAR),
    TopicSpec(AUDIT, 3, _YEAR),
    *(TopicSpec(dead_letter(topic), 1, timedelta(days=30)) for topic in ALL),
)
