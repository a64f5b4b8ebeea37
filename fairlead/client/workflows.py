"""Workflows: the whole job from dataset to registered model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fairlead.client.names import dataset_version_path, id_of
from fairlead.client.tasks import Tasks
from fairlead.client.transport import Items, Json, Transport


class Workflows:
    """The workflows of one project."""

    def __init__(self, transport: Transport, project: str, tasks: Tasks) -> None:
        self._transport = transport
        self._project = project
        self._path = f"/projects/{project}/workflows"
        self._tasks = tasks

    def start(
        self,
        dataset: str | None = None,
        *,
        goal: str | None = None,
        target: str | None = None,
        budget: str | float | None = None,
        metric: str | None = None,
        families: Sequence[str] | None = None,
        model_id: str | None = None,
        require_approval: bool = False,
        seed: int | None = None,
        skip_steps: Sequence[str] | None = None,
        request_id: str | None = None,
    ) -> Json:
        """Start a workflow and return it.

        A target is a column or a comparison such as "num > 0", and is guessed when left out; a budget is seconds
        or text such as "60s"; skip_steps are ids of suggested preparation steps to leave out. The same request_id
        starts no second workflow. Raises ApiError.
        """
        body = {
            "dataset": f"datasets/{dataset_version_path(dataset, self._project)}" if dataset else None,
            "goal": goal,
            "target": target,
            "budget": budget,
            "metric": metric,
            "families": [*families] if families else None,
            "model_id": model_id,
            "require_approval": require_approval,
            "seed": seed,
            "skip_steps": [*skip_steps] if skip_steps else None,
        }
        headers = {"Idempotency-Key": request_id} if request_id else {}
        return self._transport.call("POST", self._path, json=body, headers=headers)

    def wait(self, workflow: str, on_message: Callable[[Json], None] | None = None) -> Json:
        """Return the workflow once it has succeeded. Raises TaskFailed, ApiError."""
        self._tasks.wait(id_of(workflow), on_message)
        return self.get(workflow)

    def list(self, limit: int | None = 50) -> Items:
        """Return workflows, newest first."""
        return [*self._transport.items(self._path, limit)]

    def get(self, workflow: str) -> Json:
        """Return one workflow. Raises ApiError (NOT_FOUND)."""
        return self._transport.call("GET", f"{self._path}/{id_of(workflow)}")

    def review(self, workflow: str, approve: bool, comment: str = "") -> Json:
        """Answer a review stage that waits. Raises ApiError (FAILED_PRECONDITION)."""
        body = {"approve": approve, "comment": comment}
        return self._transport.call("POST", f"{self._path}/{id_of(workflow)}:review", json=body)
