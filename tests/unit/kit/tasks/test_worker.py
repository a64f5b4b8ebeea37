"""The child process as it is started by hand, or by a cluster, with nobody watching over it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span

from fairlead.api.tasks.v1.task_pb2 import (
    TASK_STATE_CANCELLED,
    TASK_STATE_FAILED,
    TASK_STATE_PENDING,
    TASK_STATE_RUNNING,
    TASK_STATE_SUCCEEDED,
)
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import TaskStore


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One kind of database will do: the store's own tests see to the others."""
    return f"sqlite:///{tmp_path}/service.db"


def work(settings: KitSettings, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.unit.kit.tasks.sample_worker", *arguments],
        env={
            **os.environ,
            "FAIRLEAD_HOME": str(settings.home),
            "FAIRLEAD_DATABASE_URL": settings.database_url,
            **environment,
        },
        capture_output=True,
        text=True,
    )


def test_a_pending_task_is_started_and_done(store: TaskStore, settings: KitSettings) -> None:
    task = store.create("shop", "echo", StringValue(value="x"))

    ended = work(settings, task.name)

    assert ended.returncode == 0, ended.stderr
    assert (store.get(task.name).state, store.get(task.name).attempt) == (TASK_STATE_SUCCEEDED, 1)
    assert "| sample.echo | line 19" in ended.stderr


def test_a_task_that_has_ended_is_left_alone(store: TaskStore, settings: KitSettings) -> None:
    task = store.cancel(store.create("shop", "echo", StringValue()).name)

    assert work(settings, task.name).returncode == 0
    assert store.get(task.name) == task
    assert task.state == TASK_STATE_CANCELLED


def test_a_child_that_comes_late_leaves_the_task_to_the_newer_attempt(store: TaskStore, settings: KitSettings) -> None:
    task = store.create("shop", "echo", StringValue())
    store.start(task.name)
    store.start(task.name)

    assert work(settings, task.name, FAIRLEAD_TASK_ATTEMPT="1").returncode == 0
    assert (store.get(task.name).state, store.get(task.name).attempt) == (TASK_STATE_RUNNING, 2)


def test_a_child_with_an_attempt_of_its_own_starts_no_other(store: TaskStore, settings: KitSettings) -> None:
    task = store.create("shop", "echo", StringValue())
    store.start(task.name)
    store.requeue(task.name)

    assert work(settings, task.name, FAIRLEAD_TASK_ATTEMPT="1").returncode == 0
    assert (store.get(task.name).state, store.get(task.name).attempt) == (TASK_STATE_PENDING, 1)


def test_the_work_belongs_to_the_trace_that_asked_for_it(store: TaskStore, settings: KitSettings) -> None:
    asked = SpanContext(trace_id=0xABCDEF0123456789ABCDEF0123456789, span_id=0x1234, is_remote=False)
    with use_span(NonRecordingSpan(asked)):
        task = store.create("shop", "echo", StringValue())

    ended = work(settings, task.name, TRACEPARENT=store.traceparent(task.name))

    assert '"trace_id": "abcdef0123456789abcdef0123456789"' in ended.stderr


def test_failed_work_ends_with_exit_code_one(store: TaskStore, settings: KitSettings) -> None:
    task = store.create("shop", "refuse", StringValue())

    ended = work(settings, task.name)

    assert (ended.returncode, store.get(task.name).state) == (1, TASK_STATE_FAILED)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("arguments", [(), ("one", "two")])
def test_without_a_task_it_says_how_it_is_used(settings: KitSettings, arguments: tuple[str, ...]) -> None:
    ended = work(settings, *arguments)

    assert ended.returncode == 1
    assert "TASK_NAME" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unknown_task_is_a_clear_error(store: TaskStore, settings: KitSettings) -> None:
    ended = work(settings, "projects/shop/tasks/absent")

    assert ended.returncode == 1
    assert "there is no task 'projects/shop/tasks/absent'" in ended.stderr
    assert "Traceback" not in ended.stderr
