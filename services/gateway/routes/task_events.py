"""Task streams: server-sent events and WebSocket, history first, then what happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Header, Query, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from pydantic_core import to_json

from fairlead.api.tasks.v1.task_pb2 import Task as TaskMessage
from fairlead.kit.errors import FairleadError

from ..documentation import TASK_MESSAGES, failures
from ..parts import Parts
from ..problems import problem_of
from ..schemas.task import TaskMessage as TaskMessageSchema
from .parameters import Gateway, Project, ProjectId
from .tasks import BY_ID, PATH, TaskId

router = APIRouter(tags=["tasks"])

After = Annotated[int, Query(ge=0, description="Only what has a higher offset.")]
LastEventId = Annotated[str, Header(alias="Last-Event-ID", description="The offset seen last; as ?after=.")]
GOING_AWAY = 1001
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": TASK_MESSAGES,
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": f"id: 17\nevent: LOG\ndata: {to_json(TaskMessageSchema.example()).decode()}\n\n",
            }
        },
    },
    204: {"description": "The caller has everything: the task ended with the offset it named."},
}


@router.get(
    f"{PATH}/{{task_id}}/events", response_class=StreamingResponse, responses={**STREAM, **failures(400, 401, 404, 503)}
)
async def stream_task_events(
    task_id: TaskId, project: Project, gateway: Gateway, after: After = 0, last_event_id: LastEventId = ""
) -> Response:
    """Stream what happened and happens to a task as server-sent events until it has ended."""
    task = await anyio.to_thread.run_sync(gateway.directory.get, f"{project}/tasks/{task_id}")
    return await _events(gateway, task, _resume(after, last_event_id))


@router.get(f"{BY_ID}/events", response_class=StreamingResponse, responses={**STREAM, **failures(400, 401, 404, 503)})
async def stream_found_task_events(
    task_id: TaskId, gateway: Gateway, after: After = 0, last_event_id: LastEventId = ""
) -> Response:
    """Stream what happened and happens to a task, found by its id alone, until it has ended."""
    task = await anyio.to_thread.run_sync(gateway.directory.find, task_id)
    return await _events(gateway, task, _resume(after, last_event_id))


@router.websocket("/api/v1/ws/tasks/{task_id}")
async def follow_found_task(websocket: WebSocket, task_id: str, gateway: Gateway, after: After = 0) -> None:
    """Send what happened and happens to a task, found by its id alone, until it has ended."""
    try:
        task = await anyio.to_thread.run_sync(gateway.directory.find, task_id)
    except FairleadError as error:
        await websocket.send_denial_response(problem_of(websocket.scope, error))
        return
    await _follow(websocket, gateway, task, after)


@router.websocket("/api/v1/ws/projects/{project_id}/tasks/{task_id}")
async def follow_task(
    websocket: WebSocket, project_id: ProjectId, task_id: str, gateway: Gateway, after: After = 0
) -> None:
    """Send what happened and happens to a task until it has ended."""
    try:
        task = await anyio.to_thread.run_sync(gateway.directory.get, f"projects/{project_id}/tasks/{task_id}")
    except FairleadError as error:
        await websocket.send_denial_response(problem_of(websocket.scope, error))
        return
    await _follow(websocket, gateway, task, after)


async def _events(gateway: Parts, task: TaskMessage, after: int) -> Response:
    # 204 is what tells a browser's EventSource to stop coming back.
    if after and await anyio.to_thread.run_sync(gateway.stream.is_done, task.name, after):
        return Response(status_code=204)

    async def lines() -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        async for message in gateway.stream.follow(task, after):
            if message is None:
                yield b": heartbeat\n\n"
            else:
                head = f"id: {message['offset']}\nevent: {message['type']}\ndata: "
                yield head.encode() + to_json(message) + b"\n\n"

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)


async def _follow(websocket: WebSocket, gateway: Parts, task: TaskMessage, after: int) -> None:
    await websocket.accept()
    ended = False
    try:
        async for message in gateway.stream.follow(task, after):
            # The WebSocket protocol has its own signs of life, which the server sends.
            if message is not None:
                await websocket.send_text(to_json(message).decode())
                ended = message["type"] == "TASK"
        await websocket.close(1000 if ended else GOING_AWAY)
    except WebSocketDisconnect:
        return


def _resume(after: int, last_event_id: str) -> int:
    return int(last_event_id) if last_event_id.isascii() and last_event_id.isdigit() else after
