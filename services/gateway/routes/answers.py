"""Answers that many endpoints share."""

from __future__ import annotations

from fastapi import Response

from fairlead.api.common.v1.table_pb2 import Target as TargetMessage
from fairlead.api.tasks.v1.task_pb2 import Task as TaskMessage

from ..schemas.common import TargetChoice
from ..schemas.task import Task


def accepted(task: TaskMessage, response: Response) -> Task:
    """Return the task of a call that began long work; the Location header says where to follow it."""
    response.headers["Location"] = f"/api/v1/{task.name}"
    return Task.of(task)


def target_message(target: TargetChoice | str | None) -> TargetMessage | None:
    """Return the target that a caller chose; None where it is to be guessed."""
    if not target:
        return None
    if isinstance(target, str):
        return TargetMessage(column=target)
    return TargetMessage(column=target.column, condition=target.condition)
