"""TaskService for the tasks of the service that registers it."""

from __future__ import annotations

from typing import Protocol

import grpc

from fairlead.api.tasks.v1 import task_service_pb2 as pb
from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.api.tasks.v1.task_service_pb2_grpc import TaskServiceServicer
from fairlead.kit.tasks.store import TaskStore


class Canceller(Protocol):
    """Whoever can really stop the work of a task, such as TaskOwner."""

    def cancel(self, name: str) -> Task:
        """Cancel the task and return it."""


class TaskServicer(TaskServiceServicer):
    """Answers for tasks out of their store."""

    def __init__(self, store: TaskStore, owner: Canceller) -> None:
        self._store = store
        self._owner = owner

    def GetTask(self, request: pb.GetTaskRequest, _context: grpc.ServicerContext) -> pb.GetTaskResponse:
        """Return one task."""
        return pb.GetTaskResponse(task=self._store.get(request.name))

    def ListTasks(self, request: pb.ListTasksRequest, _context: grpc.ServicerContext) -> pb.ListTasksResponse:
        """Return tasks, newest first."""
        tasks, token = self._store.list(request.parent, request.page_size, request.page_token)
        return pb.ListTasksResponse(tasks=tasks, next_page_token=token)

    def CancelTask(self, request: pb.CancelTaskRequest, _context: grpc.ServicerContext) -> pb.CancelTaskResponse:
        """Stop a task that has not ended."""
        return pb.CancelTaskResponse(task=self._owner.cancel(request.name))
