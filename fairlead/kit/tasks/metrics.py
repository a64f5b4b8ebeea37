"""What Prometheus sees of tasks."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from fairlead.api.tasks.v1.task_pb2 import Task, TaskState

BUCKETS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)

# The kinds and states are few: each service has a fixed set of kinds.
TASKS_RUNNING = Gauge("fairlead_tasks_running", "Tasks whose work is under way.", ["kind"])
TASKS_ENDED = Counter("fairlead_tasks_ended", "Tasks whose work has ended, by how they stood then.", ["kind", "state"])
TASK_SECONDS = Histogram(
    "fairlead_task_seconds", "Seconds from the last start of a task to its end.", ["kind"], buckets=BUCKETS
)


def count_end(task: Task) -> None:
    """Count a task whose work has ended."""
    TASKS_ENDED.labels(task.kind, TaskState.Name(task.state)).inc()
    if task.HasField("start_time") and task.HasField("end_time"):
        TASK_SECONDS.labels(task.kind).observe((task.end_time.ToNanoseconds() - task.start_time.ToNanoseconds()) / 1e9)
