"""Tasks: long work, its logs and results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import FileResponse, StreamingResponse

from fairlead.api.tasks.v1.task_pb2 import Task as TaskMessage
from fairlead.kit.tasks.log_lines import format_line

from ..adapters.task_view import TaskFilter
from ..documentation import binary, failures
from ..domain.media_type import wants_text
from ..domain.references import qualify
from ..domain.task_states import STATES
from ..parts import Parts
from ..schemas.task import LogLine, LogPage, Task, TaskPage
from .files import Which, batch_file
from .parameters import Gateway, Paging, Project

PATH = "/api/v1/projects/{project_id}/tasks"
# Without a project: ids of tasks are made by the servers and name one alone.
BY_ID = "/api/v1/tasks/{task_id}"
TEXT_PAGE = 1000
router = APIRouter(tags=["tasks"])

TaskId = Annotated[str, Path(description="The task's id.", examples=["t-1"])]
Format = Annotated[Literal["", "json", "text"], Query(description="json, or text for a download of plain lines.")]
Accept = Annotated[str, Header(description="text/plain asks for text as ?format=text does.")]
State = Annotated[
    Literal["", "pending", "running", "succeeded", "failed", "cancelled"], Query(description="Only in this state.")
]
LOGS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": LogPage,
        "description": "The lines.",
        "content": {"text/plain": {"example": "INFO 2026-01-31T17:01:03Z | prepare.impute | Replaced 12 nulls\n"}},
    }
}
ResultFile = Annotated[
    Which, Query(description="What was predicted, or the rows that were left out: a CSV file of row, column, reason.")
]
RESULT: dict[int | str, dict[str, Any]] = {
    200: binary("The file.", "text/csv", "application/x-ndjson", "application/vnd.apache.parquet")
}


@router.get(PATH, responses=failures(400, 401, 404))
def list_tasks(
    project: Project,
    gateway: Gateway,
    paging: Paging,
    state: State = "",
    kind: Annotated[str, Query(description="Only of this kind, such as train.")] = "",
    parent: Annotated[str, Query(description="Only parts of this workflow's task.")] = "",
) -> TaskPage:
    """List a project's tasks, newest first."""
    chosen = TaskFilter(STATES.get(state, 0), kind, qualify(project, "tasks", parent, "parent"))
    project_id = project.removeprefix("projects/")
    tasks, token = gateway.tasks.page(project_id, chosen, paging.size, paging.token)
    return TaskPage(items=[Task.of(task) for task in tasks], next_page_token=token)


@router.get(f"{PATH}/{{task_id}}", responses=failures(401, 404, 503))
def get_task(task_id: TaskId, project: Project, gateway: Gateway) -> Task:
    """Return one task."""
    return Task.of(gateway.directory.get(f"{project}/tasks/{task_id}"))


@router.get(BY_ID, responses=failures(401, 404, 503))
def find_task(task_id: TaskId, gateway: Gateway) -> Task:
    """Return one task by its id alone, in whatever project."""
    return Task.of(gateway.directory.find(task_id))


@router.get(f"{PATH}/{{task_id}}/logs", response_model=None, responses={**LOGS, **failures(400, 401, 404, 503)})
def list_task_logs(
    task_id: TaskId, project: Project, gateway: Gateway, paging: Paging, format: Format = "", accept: Accept = ""
) -> LogPage | Response:
    """List a task's log lines, oldest first, or download them all as text."""
    task = gateway.directory.get(f"{project}/tasks/{task_id}")
    return _logs(gateway, task, paging.size, paging.token, wants_text(format, accept))


@router.get(f"{BY_ID}/logs", response_model=None, responses={**LOGS, **failures(400, 401, 404, 503)})
def find_task_logs(
    task_id: TaskId, gateway: Gateway, paging: Paging, format: Format = "", accept: Accept = ""
) -> LogPage | Response:
    """List the log lines of a task by its id alone, oldest first, or download them all as text."""
    return _logs(gateway, gateway.directory.find(task_id), paging.size, paging.token, wants_text(format, accept))


@router.post(f"{PATH}/{{task_id}}:cancel", responses=failures(401, 404, 503))
def cancel_task(task_id: TaskId, project: Project, gateway: Gateway) -> Task:
    """Stop a task and return it; an ended one is returned as it is."""
    return Task.of(gateway.directory.cancel(f"{project}/tasks/{task_id}"))


@router.post(f"{BY_ID}:cancel", responses=failures(401, 404, 503))
def cancel_found_task(task_id: TaskId, gateway: Gateway) -> Task:
    """Stop a task by its id alone and return it."""
    return Task.of(gateway.directory.cancel(gateway.directory.find(task_id).name))


@router.get(
    f"{PATH}/{{task_id}}/result",
    response_class=FileResponse,
    responses={**RESULT, **failures(400, 401, 404, 503)},
)
def download_task_result(
    task_id: TaskId, project: Project, gateway: Gateway, file: ResultFile = "result"
) -> FileResponse:
    """Download a file that a batch prediction made."""
    made = batch_file(gateway.directory.get(f"{project}/tasks/{task_id}"), file)
    return FileResponse(gateway.blobs.fetch(made.blob), media_type=made.media_type, filename=made.name)


def _logs(gateway: Parts, task: TaskMessage, size: int, token: str, as_text: bool) -> LogPage | Response:
    if not as_text:
        lines, following = gateway.tasks.logs(task.name, size, token)
        return LogPage(items=[LogLine.of(line) for line in lines], next_page_token=following)
    name = task.name.rpartition("/")[2]
    headers = {"Content-Disposition": f'attachment; filename="{name}.log"'}
    return StreamingResponse(_text(gateway, task.name), media_type="text/plain; charset=utf-8", headers=headers)


def _text(gateway: Parts, name: str) -> Iterator[str]:
    token = ""
    while True:
        lines, token = gateway.tasks.logs(name, TEXT_PAGE, token)
        yield "".join(f"{format_line(line)}\n" for line in lines)
        if not token:
            return
