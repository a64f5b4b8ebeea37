"""The model registry."""

from __future__ import annotations

from pathlib import Path

from fairlead.client.names import id_of, model_version_path
from fairlead.client.transport import Items, Json, Transport


class Models:
    """The models of one project."""

    def __init__(self, transport: Transport, project: str) -> None:
        self._transport = transport
        self._project = project
        self._path = f"/projects/{project}/models"

    def list(self) -> Items:
        """Return the models by name."""
        return [*self._transport.items(self._path)]

    def get(self, model: str) -> Json:
        """Return one model. Raises ApiError (NOT_FOUND)."""
        return self._transport.call("GET", f"{self._path}/{id_of(model)}")

    def versions(self, model: str) -> Items:
        """Return a model's versions, newest first."""
        return [*self._transport.items(f"{self._path}/{id_of(model)}/versions")]

    def version(self, model: str) -> Json:
        """Return one version: "adult/3", "adult@champion"; "adult" is its champion. Raises ApiError (NOT_FOUND)."""
        return self._transport.call("GET", f"/projects/{self._project}/{model_version_path(model, self._project)}")

    def download_package(self, version: str, file: str | Path) -> int:
        """Save a version's package as a zip, whole or not at all, and return its bytes.

        A version is named as for `version`; its files are those of an MLflow model. Raises ApiError, OSError.
        """
        # Packages are those of versions; an alias is resolved first.
        name = model_version_path(version, self._project)
        if "/versions/" not in name:
            name = self.version(version)["name"].removeprefix(f"projects/{self._project}/")
        return self._transport.download(f"/projects/{self._project}/{name}/package", Path(file))

    def set_alias(self, model: str, alias: str, version: int) -> Json:
        """Point an alias at a version and return the model."""
        return self._transport.call("PUT", f"{self._path}/{id_of(model)}/aliases/{alias}", json={"version": version})
