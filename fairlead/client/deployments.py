"""Deployments: serve a model version, predict, give feedback."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fairlead.client.names import dataset_version_path, id_of, model_version_path
from fairlead.client.tasks import Tasks
from fairlead.client.transport import Items, Json, Transport


class Deployments:
    """The deployments of one project."""

    def __init__(self, transport: Transport, project: str, tasks: Tasks) -> None:
        self._transport = transport
        self._project = project
        self._path = f"/projects/{project}/deployments"
        self._tasks = tasks

    def create(self, deployment_id: str, model: str) -> Json:
        """Serve a model version ("adult" means its champion) and return the deployment once it answers."""
        body = {"deployment_id": deployment_id, "model_version": self._model_version(model)}
        return self._transport.call("POST", self._path, json=body)

    def update(self, deployment: str, model: str) -> Json:
        """Serve another version under the same name, without a gap."""
        body = {"model_version": self._model_version(model)}
        return self._transport.call("PATCH", f"{self._path}/{id_of(deployment)}", json=body)

    def list(self) -> Items:
        """Return the deployments by name."""
        return [*self._transport.items(self._path)]

    def get(self, deployment: str) -> Json:
        """Return one deployment. Raises ApiError (NOT_FOUND)."""
        return self._transport.call("GET", f"{self._path}/{id_of(deployment)}")

    def delete(self, deployment: str) -> None:
        """Stop serving."""
        self._transport.call("DELETE", f"{self._path}/{id_of(deployment)}")

    def predict(self, deployment: str, rows: Sequence[dict[str, Any]], request_id: str | None = None) -> Json:
        """Return {"request_id", "model_version", "predictions": one a row}. Raises ApiError naming a bad column."""
        body = {"rows": [*rows], "request_id": request_id}
        return self._transport.call("POST", f"{self._path}/{id_of(deployment)}:predict", json=body)

    def predict_batch(
        self,
        deployment: str,
        dataset: str,
        format: str = "csv",
        on_message: Callable[[Json], None] | None = None,
    ) -> Json:
        """Predict a dataset version and return the task that holds the result; tasks.download_result saves it."""
        version = f"projects/{self._project}/datasets/{dataset_version_path(dataset, self._project)}"
        body = {"dataset_version": version, "format": format}
        task = self._transport.call("POST", f"{self._path}/{id_of(deployment)}:batchPredict", json=body)
        return self._tasks.wait(task["name"], on_message)

    def feedback(self, deployment: str, truths: Sequence[dict[str, Any]]) -> Json:
        """Record the truth of earlier predictions: {"request_id", "row", "value"} each."""
        return self._transport.call("POST", f"{self._path}/{id_of(deployment)}:feedback", json={"truths": [*truths]})

    def _model_version(self, model: str) -> str:
        return f"projects/{self._project}/{model_version_path(model, self._project)}"
