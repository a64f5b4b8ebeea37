"""Finding a task: in the projection, or with its owner while the projection lags."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.api.tasks.v1.task_service_pb2 import CancelTaskRequest, GetTaskRequest
from fairlead.kit.errors import DeadlineExceeded, InvalidArgument, NotFound, Unavailable
from fairlead.kit.logging import get_logger

from .services import TASK_OWNERS, Services
from .task_view import TaskView

ASK_OWNER_SECONDS = 3.0
_IN_ANY_PROJECT = "projects/-/tasks/"

_log = get_logger("fairlead.gateway.tasks")


class TaskDirectory:
    """Looks tasks up and cancels them."""

    def __init__(self, view: TaskView, services: Services) -> None:
        self._view = view
        self._services = services

    def get(self, name: str) -> Task:
        """Return a task by its full name. Raises NotFound; Unavailable where an owner that may know it is away."""
        found = self._view.get(name)
        return found if found is not None else self._ask_owners(name)

    def find(self, task_id: str) -> Task:
        """Return a task by its id alone, in whatever project. Raises as get."""
        found = self._view.find(task_id)
        return found if found is not None else self._ask_owners(f"{_IN_ANY_PROJECT}{task_id}")

    def cancel(self, name: str) -> Task:
        """Stop a task through its owner and return it as it then stands. Raises as get, and Unavailable."""
        owner = self.get(name).owner
        return self._services.tasks(owner).CancelTask(CancelTaskRequest(name=name)).task

    def _ask_owners(self, name: str) -> Task:
        away: list[str] = []
        with ThreadPoolExecutor(len(TASK_OWNERS), thread_name_prefix="task-owners") as pool:
            # Each in a context of its own, which carries the caller's deadline and trace.
            asked = {owner: pool.submit(copy_context().run, self._ask, owner, name) for owner in TASK_OWNERS}
        for owner, answer in asked.items():
            try:
                found = answer.result()
            except (Unavailable, DeadlineExceeded) as error:
                _log.warning("an owner of tasks is away", owner=owner, why=error.message)
                away.append(owner)
                continue
            if found is not None:
                return found
        told = name.removeprefix(_IN_ANY_PROJECT)
        if away:
            raise Unavailable(
                f"{told} is not known yet, and {', '.join(away)} can't be asked now; try again in a few seconds",
                resource=told,
                retry_after=2.0,
            )
        raise NotFound(f"there is no task {told}", resource=told)

    def _ask(self, owner: str, name: str) -> Task | None:
        """Return the task where a service owns it, None where it does not. Raises Unavailable, DeadlineExceeded."""
        try:
            return self._services.tasks(owner).GetTask(GetTaskRequest(name=name), timeout=ASK_OWNER_SECONDS).task
        except (NotFound, InvalidArgument):
            return None
