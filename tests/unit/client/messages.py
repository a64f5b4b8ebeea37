"""Tasks and their messages, made of the gateway's own examples: what is tested here is what it sends."""

from __future__ import annotations

from typing import Any

from services.gateway.schemas.task import LogLine, Task, TaskMessage, TrainProgress
from services.gateway.schemas.workflow import Stage

TASK = "projects/default/tasks/t1"
WORKFLOW = "projects/default/workflows/t1"


def task(state: str = "running", **changes: Any) -> dict[str, Any]:
    return Task.example() | {"name": TASK, "state": state} | changes


def told(offset: int, state: str = "running", **changes: Any) -> dict[str, Any]:
    return _message(offset, "TASK", task=task(state, **changes))


def logged(offset: int, text: str, source: str = "fit") -> dict[str, Any]:
    return _message(offset, "LOG", log=LogLine.example() | {"source": source, "message": text})


def staged(offset: int, stage: str, state: str, summary: str = "") -> dict[str, Any]:
    changed = Stage.example() | {"id": stage, "state": state, "summary": summary}
    return _message(offset, "STAGE_STATUS", stage_status={"workflow": WORKFLOW, "stage": changed})


def trial(offset: int, score: float | None) -> dict[str, Any]:
    ended = TrainProgress.example() | {"score": score, "best_score": score}
    return _message(offset, "TRAIN_PROGRESS", train_progress=ended)


def _message(offset: int, kind: str, **member: Any) -> dict[str, Any]:
    message = {"type": kind, "offset": offset, "time": "2026-01-31T17:01:03.123Z", **member}
    TaskMessage.model_validate(message)
    return message
