"""Datasets: upload, look, profile."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from fairlead.client.names import dataset_path, dataset_version_path
from fairlead.client.tasks import Tasks
from fairlead.client.transport import Items, Json, Transport
from fairlead.client.uploads import send_file

_ENDINGS = re.compile(
    r"(\.(csv|tsv|tab|txt|data|json|jsonl|ndjson|xls|xlsx|xlsm|ods|parquet|pq|gz|gzip|zst|bz2|zip))+$"
)


class Datasets:
    """The datasets of one project."""

    def __init__(self, transport: Transport, project: str, tasks: Tasks) -> None:
        self._transport = transport
        self._project = project
        self._path = f"/projects/{project}/datasets"
        self._tasks = tasks

    def upload(
        self,
        file: str | Path,
        dataset_id: str | None = None,
        sheet: str | None = None,
        on_message: Callable[[Json], None] | None = None,
    ) -> Json:
        """Upload a file as a new version of a dataset, named after the file unless told, and return the version.

        A large file goes by a link straight to the object store, where there is one. Raises ApiError, TaskFailed where
        the file can't be read as a table, OSError.
        """
        path = Path(file)
        task = send_file(self._transport, self._path, path, dataset_id or dataset_id_of(path), sheet)
        return dict(self._tasks.wait(task["name"], on_message)["result"])

    def list(self) -> Items:
        """Return the datasets by name."""
        return [*self._transport.items(self._path)]

    def get(self, dataset: str) -> Json:
        """Return one dataset. Raises ApiError (NOT_FOUND)."""
        return self._transport.call("GET", f"{self._path}/{dataset_path(dataset, self._project)}")

    def version(self, dataset: str) -> Json:
        """Return a version: "adult" is the latest, "adult/versions/2" that one."""
        return self._transport.call("GET", f"{self._path}/{dataset_version_path(dataset, self._project)}")

    def versions(self, dataset: str) -> Items:
        """Return a dataset's versions, newest first."""
        return [*self._transport.items(f"{self._path}/{dataset_path(dataset, self._project)}/versions")]

    def rows(self, dataset: str, limit: int = 20, skip: int = 0) -> Items:
        """Return rows of a version, at most 1000."""
        path = f"{self._path}/{dataset_version_path(dataset, self._project)}/rows"
        return [*self._transport.call("GET", path, params={"page_size": limit, "skip": skip})["items"]]

    def download_link(self, dataset: str, format: str = "original", seconds: int | None = None) -> Json:
        """Return a link (url, method, headers, expire_time) to a version's file: the "original" upload, or "parquet".

        Whoever has it may download that file until it expires. Raises ApiError (FAILED_PRECONDITION where blobs are
        kept in a local folder).
        """
        path = f"{self._path}/{dataset_version_path(dataset, self._project)}:downloadLink"
        return self._transport.call("POST", path, params={"format": format, "seconds": seconds})

    def delete(self, dataset: str) -> None:
        """Remove a dataset from the list."""
        self._transport.call("DELETE", f"{self._path}/{dataset_path(dataset, self._project)}")

    def profile(
        self, dataset: str, target: str | None = None, on_message: Callable[[Json], None] | None = None
    ) -> Json:
        """Compute and return the profile of a version, with suggestions for the target or the guessed one."""
        path = f"{self._path}/{dataset_version_path(dataset, self._project)}:profile"
        task = self._transport.call("POST", path, json={"target": target})
        return dict(self._tasks.wait(task["name"], on_message)["result"])

    def last_profile(self, dataset: str) -> Json:
        """Return the profile that was computed last. Raises ApiError (NOT_FOUND)."""
        return self._transport.call("GET", f"{self._path}/{dataset_version_path(dataset, self._project)}/profile")


def dataset_id_of(path: Path) -> str:
    """Return a dataset id made from a file's name without its endings: "Sales 2024.csv.gz" gives "sales-2024"."""
    stem = _ENDINGS.sub("", path.name.lower())
    words = re.sub(r"[^a-z0-9]+", "-", stem).strip("-") or "dataset"
    return (words if words[0].isalpha() else f"d-{words}")[:63].rstrip("-")
