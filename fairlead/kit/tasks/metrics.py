"""What Prometheus sees of tasks."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

# The kinds and states are few: each service has a fixed set of kinds.
TASKS_RUNNING = Gauge("fairlead_tasks_running", "Tasks whose work is under way.", ["kind"])
TASKS_ENDED = Counter("fairlead_tasks_ended", "Tasks whose work has ended, by how they stood then.", ["kind", "state"])
