"""The topics of Fairlead; the message of each is in protos/fairlead/api/events/v1."""

from __future__ import annotations

TASKS = "fairlead.tasks"
LOGS = "fairlead.logs"
PREDICTIONS = "fairlead.predictions"
FEEDBACK = "fairlead.feedback"
ALERTS = "fairlead.alerts"
DEPLOYMENTS = "fairlead.deployments"
AUDIT = "fairlead.audit"

ALL = (TASKS, LOGS, PREDICTIONS, FEEDBACK, ALERTS, DEPLOYMENTS, AUDIT)
