"""The table of tasks, and what a row says as a Task."""

from __future__ import annotations

import sqlalchemy as sa
from google.protobuf.any_pb2 import Any as AnyMessage

from fairlead.api.tasks.v1.task_pb2 import (
    TASK_STATE_CANCELLED,
    TASK_STATE_FAILED,
    TASK_STATE_PENDING,
    TASK_STATE_RUNNING,
    TASK_STATE_SUCCEEDED,
    Task,
    TaskState,
)
from fairlead.kit.database import UtcDateTime

TASK_NAME = "projects/{project}/tasks/{task}"
PROJECT_NAME = "projects/{project}"
ANY_PROJECT = "-"

ACTIVE: tuple[TaskState.ValueType, ...] = (TASK_STATE_PENDING, TASK_STATE_RUNNING)
ENDED: tuple[TaskState.ValueType, ...] = (TASK_STATE_SUCCEEDED, TASK_STATE_FAILED, TASK_STATE_CANCELLED)

# Made by the migrations. A row whose published_revision lags its revision holds a change that the event
# log may not have: the process ended between the commit and the publication.
metadata = sa.MetaData()
tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("project", sa.String),
    sa.Column("kind", sa.String),
    sa.Column("owner", sa.String),
    sa.Column("request_id", sa.String),
    sa.Column("request_type", sa.String),
    sa.Column("request", sa.LargeBinary),
    sa.Column("state", sa.Integer),
    sa.Column("progress", sa.Double),
    sa.Column("stage", sa.String),
    sa.Column("error", sa.Text),
    sa.Column("error_code", sa.String),
    sa.Column("resource", sa.String),
    sa.Column("parent_task", sa.String),
    sa.Column("attempt", sa.Integer),
    sa.Column("result", sa.LargeBinary),
    sa.Column("traceparent", sa.String),
    sa.Column("create_time", UtcDateTime),
    sa.Column("start_time", UtcDateTime),
    sa.Column("end_time", UtcDateTime),
    sa.Column("revision", sa.Integer),
    sa.Column("published_revision", sa.Integer),
    sa.Column("holder", sa.String),
)
# The processes that hold tasks. A task whose holder is not here, or that has none, may be taken up by any.
holders = sa.Table(
    "task_holders",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("owner", sa.String),
    sa.Column("beats", sa.BigInteger),
)


def task_of(row: sa.Row[tuple[object, ...]]) -> Task:
    """Return the Task that a row of `tasks` describes."""
    fields = row._mapping
    task = Task(name=TASK_NAME.format(project=fields["project"], task=fields["id"]))
    for name in ("kind", "owner", "state", "progress", "stage", "error", "error_code"):
        setattr(task, name, fields[name])
    for name in ("resource", "parent_task", "attempt"):
        setattr(task, name, fields[name])
    if fields["result"] is not None:
        task.result.CopyFrom(AnyMessage.FromString(fields["result"]))
    for name in ("create_time", "start_time", "end_time"):
        if fields[name] is not None:
            getattr(task, name).FromDatetime(fields[name])
    return task
