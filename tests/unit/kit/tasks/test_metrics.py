"""Tasks that end show to Prometheus: how they stood then, and how long their work took."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_SUCCEEDED, Task
from fairlead.kit.tasks.metrics import count_end


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"fairlead_{name}", labels)


def test_an_ended_task_is_counted_by_its_state_with_the_seconds_of_its_work(request: pytest.FixtureRequest) -> None:
    kind = request.node.name
    task = Task(kind=kind, state=TASK_STATE_SUCCEEDED)
    task.start_time.FromSeconds(1_000)
    task.end_time.FromSeconds(1_042)

    count_end(task)

    assert value("tasks_ended_total", kind=kind, state="TASK_STATE_SUCCEEDED") == 1
    assert value("task_seconds_sum", kind=kind) == 42


def test_a_task_that_never_ran_has_no_seconds(request: pytest.FixtureRequest) -> None:
    kind = request.node.name
    task = Task(kind=kind, state=TASK_STATE_CANCELLED)
    task.end_time.FromSeconds(1_042)

    count_end(task)

    assert value("tasks_ended_total", kind=kind, state="TASK_STATE_CANCELLED") == 1
    assert value("task_seconds_count", kind=kind) is None
