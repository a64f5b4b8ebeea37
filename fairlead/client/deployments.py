"""Deployments: serve model versions, share requests among them, predict, give feedback."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fairlead.client.names import dataset_version_path, id_of, model_version_path
from fairlead.client.tasks import Tasks
from fairlead.client.transport import Items, Json, Transport
from fairlead.client.uploads import send_bare_file
from fairlead.client.values import json_rows


class Deployments:
    """The deployments of one project."""

    def __init__(self, transport: Transport, project: str, tasks: Tasks) -> None:
        self._transport = transport
        self._project = project
        self._path = f"/projects/{project}/deployments"
        self._tasks = tasks

    def create(
        self, deployment_id: str, model: str, pinned: bool | None = None, log_sampling_rate: float | None = None
    ) -> Json:
        """Serve a model version ("adult" means its champion) and return the deployment once it answers.

        A pinned one stays in memory; the prediction log keeps the share log_sampling_rate of requests, all by default.
        """
        body = {
            "deployment_id": deployment_id,
            "model_version": self._model_version(model),
            "pinned": pinned,
            "log_sampling_rate": log_sampling_rate,
        }
        return self._transport.call("POST", self._path, json=body)

    def update(
        self,
        deployment: str,
        model: str | None = None,
        pinned: bool | None = None,
        log_sampling_rate: float | None = None,
        etag: str | None = None,
    ) -> Json:
        """Serve another version alone under the same name, without a gap, or change how it is kept and logged.

        None leaves a thing as it is: without a model the traffic split stays. log_sampling_rate is above 0 and up to 1.
        With an etag that is stale by now nothing is changed. Raises ApiError (ABORTED).
        """
        version = None if model is None else self._model_version(model)
        body = {"model_version": version, "pinned": pinned, "log_sampling_rate": log_sampling_rate}
        return self._change("PATCH", deployment, "", etag, body)

    def split_traffic(
        self, deployment: str, traffic: Sequence[Json] = (), steps: Sequence[Json] = (), etag: str | None = None
    ) -> Json:
        """Divide the requests among versions from now on, and in steps to come; return the deployment.

        traffic: {"model_version": "adult/4", "percent": 10} each, of 100 in all, or with "shadow": True; without any
        the split stays as it is. steps: {"time": RFC 3339, "traffic": as above} each. Raises ApiError.
        """
        body = {
            "traffic": self._targets(traffic),
            "steps": [{**step, "traffic": self._targets(step["traffic"])} for step in steps],
        }
        return self._change("PUT", deployment, "/traffic", etag, body)

    def promote(self, deployment: str, model: str | None = None, etag: str | None = None) -> Json:
        """Let one version of the split answer everything: the one named, or the only one beside the champion.

        Raises ApiError (FAILED_PRECONDITION where several could be meant).
        """
        version = None if model is None else self._model_version(model)
        return self._change("POST", deployment, ":promote", etag, {"model_version": version})

    def roll_back(self, deployment: str, etag: str | None = None) -> Json:
        """Return at once to the split before this one. Raises ApiError (FAILED_PRECONDITION where there was none)."""
        return self._change("POST", deployment, ":rollBack", etag, None)

    def list(self) -> Items:
        """Return the deployments by name."""
        return [*self._transport.items(self._path)]

    def get(self, deployment: str) -> Json:
        """Return one deployment. Raises ApiError (NOT_FOUND)."""
        return self._transport.call("GET", f"{self._path}/{id_of(deployment)}")

    def delete(self, deployment: str) -> None:
        """Stop serving."""
        self._transport.call("DELETE", f"{self._path}/{id_of(deployment)}")

    def predict(
        self,
        deployment: str,
        rows: Any,
        request_id: str | None = None,
        *,
        routing_key: str | None = None,
        explain: bool | None = None,
        interval: float | None = None,
    ) -> Json:
        """Return {"request_id", "model_version", "predictions": one a row}. Raises ApiError naming a bad column.

        rows: dictionaries of column to value, or a DataFrame. NaN is sent as null, numpy's scalars as plain ones, dates
        and times as text; what JSON can't say, such as an infinity, raises InvalidRows naming row and column.
        Of a traffic split the same version answers the same routing_key. explain adds "contributions" to each
        prediction and "explanation", what they sum to; interval, a coverage such as 0.9, adds "interval" to each.
        """
        body = {
            "rows": json_rows(rows),
            "request_id": request_id,
            "routing_key": routing_key,
            "explain": explain,
            "interval": interval,
        }
        return self._transport.call("POST", f"{self._path}/{id_of(deployment)}:predict", json=body)

    def predict_batch(
        self,
        deployment: str,
        dataset: str,
        format: str = "csv",
        on_message: Callable[[Json], None] | None = None,
        *,
        model: str | None = None,
        max_rejected_rows: int | None = None,
    ) -> Json:
        """Predict a dataset version and return the task that holds the result; tasks.download_result saves it.

        The deployment's champion predicts, or the model version given ("adult/3", "adult@challenger"). Rows that can't
        be read are left out and counted in the result's rejected_row_count. Raises ApiError, TaskFailed.
        """
        version = f"projects/{self._project}/datasets/{dataset_version_path(dataset, self._project)}"
        asked = {"dataset_version": version, "format": format, "max_rejected_rows": max_rejected_rows}
        return self._predict_batch(deployment, asked, model, on_message)

    def predict_file(
        self,
        deployment: str,
        file: str | Path,
        format: str = "csv",
        on_message: Callable[[Json], None] | None = None,
        *,
        model: str | None = None,
        max_rejected_rows: int | None = None,
    ) -> Json:
        """Upload a file, predict it as it is, and return the task that holds the result, as predict_batch does.

        CSV and the like with a header, JSON Lines and Parquet, of any size; no dataset comes of it. Raises ApiError,
        TaskFailed, OSError.
        """
        path = Path(file)
        project = f"/projects/{self._project}"
        sha256 = send_bare_file(self._transport, f"{project}/datasets", f"{project}/files", path)
        asked = {
            "file": {"sha256": sha256, "file_name": path.name},
            "format": format,
            "max_rejected_rows": max_rejected_rows,
        }
        return self._predict_batch(deployment, asked, model, on_message)

    def _predict_batch(
        self, deployment: str, asked: Json, model: str | None, on_message: Callable[[Json], None] | None
    ) -> Json:
        body = {**asked, "model_version": None if model is None else self._model_version(model)}
        task = self._transport.call("POST", f"{self._path}/{id_of(deployment)}:batchPredict", json=body)
        return self._tasks.wait(task["name"], on_message)

    def feedback(self, deployment: str, truths: Sequence[dict[str, Any]]) -> Json:
        """Record the truth of earlier predictions: {"request_id", "row", "value"} each.

        Raises ApiError where one is no class of the deployment's models, or no number; then none is recorded.
        """
        path = f"{self._path}/{id_of(deployment)}:feedback"
        return self._transport.call("POST", path, json={"truths": json_rows(truths, "truths")})

    def _change(self, method: str, deployment: str, action: str, etag: str | None, body: Json | None) -> Json:
        headers = {"If-Match": f'"{etag}"'} if etag else None
        path = f"{self._path}/{id_of(deployment)}{action}"
        return self._transport.call(method, path, json=body, headers=headers)

    def _targets(self, traffic: Sequence[Json]) -> Items:
        return [{**target, "model_version": self._model_version(target["model_version"])} for target in traffic]

    def _model_version(self, model: str) -> str:
        return f"projects/{self._project}/{model_version_path(model, self._project)}"
