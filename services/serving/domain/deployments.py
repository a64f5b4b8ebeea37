"""Creating, changing and ending deployments: resolve the version, load it, keep it, then serve it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Protocol

from fairlead.kit.errors import Aborted, AlreadyExists
from fairlead.kit.resources import parse_name, require_id

from .catalog import Catalog
from .deployment import Deployment, deployment_name

NAME = "projects/{project}/deployments/{deployment}"
PARENT = "projects/{project}"


@dataclass(frozen=True)
class ResolvedVersion:
    """A model version by its number, and the blob folder of its package."""

    name: str
    package_blob: str


class Registry(Protocol):
    """Where model versions are found."""

    def resolve(self, model_version: str) -> ResolvedVersion:
        """Return the version that a name (number or alias) stands for now. Raises NotFound."""


class DeploymentReader(Protocol):
    """Finds deployments."""

    def get(self, project: str, deployment: str) -> Deployment:
        """Return one. Raises NotFound."""


class DeploymentStore(DeploymentReader, Protocol):
    """Keeps deployments; each change and the event that tells of it are kept together or not at all."""

    def page(self, project: str, limit: int, after: str) -> list[Deployment]:
        """Return a project's deployments by id, those after the given id."""

    def all(self) -> list[Deployment]:
        """Return every deployment."""

    def insert(self, deployment: Deployment) -> None:
        """Keep a new one. Raises AlreadyExists."""

    def update(self, deployment: Deployment, expected_etag: str) -> None:
        """Keep a changed one. Raises NotFound, or Aborted where its etag is another by now."""

    def delete(self, deployment: Deployment) -> None:
        """Forget one. Raises NotFound."""


class Deployments:
    """The deployments of all projects."""

    def __init__(
        self,
        store: DeploymentStore,
        registry: Registry,
        catalog: Catalog,
        *,
        now: Callable[[], datetime],
        new_etag: Callable[[], str],
        forget: Callable[[str], None],
    ) -> None:
        """forget is told the name of each deployment that ended."""
        self._store = store
        self._registry = registry
        self._catalog = catalog
        self._now = now
        self._new_etag = new_etag
        self._forget = forget
        # What is kept and what is served change together, else a slower change could leave the older one serving.
        self._changing = Lock()

    def restore(self) -> None:
        """Load what was deployed before a restart, in the background."""
        self._catalog.remember(self._store.all())

    def create(self, parent: str, deployment_id: str, model_version: str) -> Deployment:
        """Return a new deployment, whose model answers by then.

        Raises InvalidArgument for bad names, AlreadyExists, NotFound for the version, FailedPrecondition where the
        package can't be loaded.
        """
        project = require_id(parse_name(PARENT, parent)["project"], "project")
        require_id(deployment_id, "deployment_id")
        name = deployment_name(project, deployment_id)
        if self._catalog.knows(name):
            raise AlreadyExists(f"'{name}' exists already; update it, or choose another id", resource=name)
        version = self._registry.resolve(model_version)
        now = self._now()
        deployment = Deployment(project, deployment_id, version.name, version.package_blob, self._new_etag(), now, now)
        model = self._catalog.load(deployment)
        with self._changing:
            self._store.insert(deployment)
            self._catalog.put(deployment, model)
        return deployment

    def update(self, name: str, model_version: str, etag: str) -> Deployment:
        """Return the deployment, which serves another version from now on; the old one answers until then.

        Raises NotFound, Aborted for a stale etag, FailedPrecondition where the package can't be loaded.
        """
        current = self.get(name)
        if etag and etag != current.etag:
            raise Aborted(f"'{name}' was changed meanwhile; get it again and repeat", resource=name)
        version = self._registry.resolve(model_version)
        changed = replace(
            current,
            model_version=version.name,
            package_blob=version.package_blob,
            etag=self._new_etag(),
            update_time=self._now(),
        )
        model = self._catalog.load(changed)
        with self._changing:
            self._store.update(changed, current.etag)
            self._catalog.put(changed, model)
        return changed

    def get(self, name: str) -> Deployment:
        """Return one deployment. Raises NotFound."""
        ids = parse_name(NAME, name)
        return self._store.get(ids["project"], ids["deployment"])

    def page(self, parent: str, limit: int, after: str) -> list[Deployment]:
        """Return a project's deployments by id, those after the given id."""
        return self._store.page(parse_name(PARENT, parent)["project"], limit, after)

    def delete(self, name: str) -> None:
        """Stop serving a deployment. Raises NotFound."""
        with self._changing:
            self._store.delete(self.get(name))
            self._catalog.remove(name)
        self._forget(name)
