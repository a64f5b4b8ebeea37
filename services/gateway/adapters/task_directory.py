"""Finding a task: in the projection, or with its owner while the projection lags."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.api.tasks.v1.task_service_pb2 import CancelTaskRequest, GetTaskRequest
from fairlead.kit.errors import DeadlineExceeded, InvalidArgument, NotFound, Unavailable
from fairlead.kit.logging import get_logger

from .projects import DEFAULT, ProjectStore
from .services import TASK_OWNERS, Services
from .task_view import TaskView

# For all that one owner is asked about one task.
ASK_OWNER_SECONDS = 3.0
# An id alone is looked for with its owner in so many projects; the projection, which knows them all, lags seconds only.
MOST_PROJECTS = 50

_log = get_logger("fairlead.gateway.tasks")


class TaskDirectory:
    """Looks tasks up and cancels them."""

    def __init__(self, view: TaskView, services: Services, projects: ProjectStore) -> None:
        self._view = view
        self._services = services
        self._projects = projects

    def get(self, name: str) -> Task:
        """Return a task by its full name. Raises NotFound; Unavailable where an owner that may know it is away."""
        found = self._view.get(name)
        return found if found is not None else self._ask_owners([name])

    def find(self, task_id: str) -> Task:
        """Return a task by its id alone, in whatever project. Raises as get."""
        found = self._view.find(task_id)
        if found is not None:
            return found
        projects, _ = self._projects.list(MOST_PROJECTS, "")
        ids = [DEFAULT, *(project.id for project in projects if project.id != DEFAULT)][:MOST_PROJECTS]
        return self._ask_owners([f"projects/{project_id}/tasks/{task_id}" for project_id in ids])

    def cancel(self, name: str) -> Task:
        """Stop a task through its owner and return it as it then stands. Raises as get, and Unavailable."""
        owner = self.get(name).owner
        return self._services.tasks(owner).CancelTask(CancelTaskRequest(name=name)).task

    def _ask_owners(self, names: list[str]) -> Task:
        away: list[str] = []
        with ThreadPoolExecutor(len(TASK_OWNERS), thread_name_prefix="task-owners") as pool:
            # Each in a context of its own, which carries the caller's deadline and trace.
            asked = {owner: pool.submit(copy_context().run, self._ask, owner, names) for owner in TASK_OWNERS}
        for owner, answer in asked.items():
            try:
                found = answer.result()
            except (Unavailable, DeadlineExceeded) as error:
                _log.warning("an owner of tasks is away", owner=owner, why=error.message)
                away.append(owner)
                continue
            if found is not None:
                return found
        if away:
            raise Unavailable(
                f"{names[0]} is not known yet, and {', '.join(away)} can't be asked now; try again in a few seconds",
                resource=names[0],
                retry_after=2.0,
            )
        raise NotFound(f"there is no task {names[0]}", resource=names[0])

    def _ask(self, owner: str, names: list[str]) -> Task | None:
        """Return the one of the tasks that a service owns, None where it owns none. Raises Unavailable."""
        stub = self._services.tasks(owner)
        ends_at = time.monotonic() + ASK_OWNER_SECONDS
        for name in names:
            left = ends_at - time.monotonic()
            if left <= 0:
                raise DeadlineExceeded(f"{owner} took more than {ASK_OWNER_SECONDS:g} seconds to look for {names[0]}")
            try:
                return stub.GetTask(GetTaskRequest(name=name), timeout=left).task
            except (NotFound, InvalidArgument):
                continue
        return None
