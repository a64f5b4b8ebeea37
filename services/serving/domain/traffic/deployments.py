"""Creating, changing and ending deployments: resolve the versions, load them, keep the change, then serve it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Protocol

from fairlead.kit.errors import Aborted, AlreadyExists, FairleadError, FieldViolation, InvalidArgument, NotFound
from fairlead.kit.resources import parse_name, require_id

from ..models.model import Model, ModelSource
from . import rollout
from .catalog import Catalog
from .deployment import Deployment
from .split import Step, Target, check_alike, check_traffic, sole

NAME = "projects/{project}/deployments/{deployment}"
PARENT = "projects/{project}"
LOAD_SECONDS = 110.0
"""How long a change waits for its models, which is less than callers wait for the change."""


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

    def insert(self, deployment: Deployment) -> Deployment:
        """Keep a new one and return it with its revision. Raises AlreadyExists."""

    def update(self, deployment: Deployment, expected_etag: str) -> Deployment:
        """Keep a changed one and return it with its revision.

        Raises NotFound, or Aborted where its etag is another by now.
        """

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

    def create(
        self,
        parent: str,
        deployment_id: str,
        model_version: str,
        *,
        pinned: bool = False,
        log_sampling_rate: float = 0.0,
    ) -> Deployment:
        """Return a new deployment, whose model answers by then.

        Raises InvalidArgument for bad names, AlreadyExists, NotFound for the version, FailedPrecondition where the
        package can't be loaded.
        """
        project = require_id(parse_name(PARENT, parent)["project"], "project")
        require_id(deployment_id, "deployment_id")
        _check_rate(log_sampling_rate)
        self._check_free(project, deployment_id)
        version = self._registry.resolve(model_version)
        now = self._now()
        deployment = Deployment(
            project,
            deployment_id,
            sole(version.name, version.package_blob),
            self._new_etag(),
            now,
            now,
            pinned=pinned,
            log_sampling_rate=log_sampling_rate,
        )
        self._load(deployment.sources)
        with self._changing:
            deployment = self._store.insert(deployment)
            self._catalog.put(deployment)
        return deployment

    def update(
        self,
        name: str,
        model_version: str,
        etag: str,
        *,
        pinned: bool | None = None,
        log_sampling_rate: float | None = None,
    ) -> Deployment:
        """Return the deployment, which serves another version alone from now on; the old ones answer until then.

        An empty version and None leave things as they are. Raises NotFound, Aborted for a stale etag,
        FailedPrecondition where the package can't be loaded.
        """
        current = self._current(name, etag)
        rate = current.log_sampling_rate if log_sampling_rate is None else log_sampling_rate
        _check_rate(rate)
        changed = replace(current, pinned=current.pinned if pinned is None else pinned, log_sampling_rate=rate)
        # Nothing at all named is an old caller's mistake, which the registry tells.
        if model_version or (pinned is None and log_sampling_rate is None):
            version = self._registry.resolve(model_version)
            changed = rollout.serve(changed, version.name, version.package_blob)
        return self._change(current, changed)

    def split(self, name: str, traffic: Sequence[Target], steps: Sequence[Step], etag: str) -> Deployment:
        """Return the deployment, whose requests are divided like this from now on, with splits to come.

        Targets name versions or aliases; without targets the split is as it was. Raises NotFound, InvalidArgument,
        Aborted for a stale etag, FailedPrecondition where a version can't be loaded or is not like the others.
        """
        current = self._current(name, etag)
        if not traffic and not steps and not current.steps:
            raise InvalidArgument(
                "traffic and steps are both empty; give a split, or steps to come",
                violations=[FieldViolation("traffic", "must not be empty without steps")],
            )
        resolved: dict[str, ResolvedVersion] = {}
        now_on = [self._resolve(target, resolved) for target in traffic]
        to_come = [Step(step.time, tuple(self._resolve(target, resolved) for target in step.traffic)) for step in steps]
        if now_on:
            check_traffic(now_on)
        rollout.check_steps(to_come, self._now())
        changed = rollout.split(current, now_on, to_come)
        planned = [target.source for step in to_come for target in step.traffic]
        sources = list(dict.fromkeys([*changed.sources, *planned]))
        check_alike(self._load(sources))
        return self._change(current, changed, loaded=True)

    def promote(self, name: str, model_version: str, etag: str) -> Deployment:
        """Return the deployment, in which one version of the split answers everything; empty means the challenger.

        Raises NotFound, Aborted for a stale etag, FailedPrecondition where several could be meant.
        """
        current = self._current(name, etag)
        named = {target.model_version for target in current.traffic}
        if model_version and model_version not in named:
            model_version = self._registry.resolve(model_version).name
        return self._change(current, rollout.promote(current, model_version))

    def roll_back(self, name: str, etag: str) -> Deployment:
        """Return the deployment with the split before this one.

        Raises NotFound, Aborted for a stale etag, FailedPrecondition where nothing was served before.
        """
        current = self._current(name, etag)
        return self._change(current, rollout.roll_back(current))

    def keep(self, current: Deployment, changed: Deployment) -> Deployment:
        """Store and serve a change whose models are loaded. Raises NotFound, or Aborted where it changed meanwhile."""
        changed = replace(changed, etag=self._new_etag(), update_time=self._now())
        with self._changing:
            changed = self._store.update(changed, current.etag)
            self._catalog.put(changed)
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

    def _check_free(self, project: str, deployment_id: str) -> None:
        """Raise AlreadyExists before anything is loaded; the store does so again, for who was faster."""
        try:
            name = self._store.get(project, deployment_id).name
        except NotFound:
            return
        raise AlreadyExists(f"'{name}' exists already; update it, or choose another id", resource=name)

    def _current(self, name: str, etag: str) -> Deployment:
        current = self.get(name)
        if etag and etag != current.etag:
            raise Aborted(f"'{name}' was changed meanwhile; get it again and repeat", resource=name)
        return current

    def _resolve(self, target: Target, resolved: dict[str, ResolvedVersion]) -> Target:
        version = resolved.get(target.model_version)
        if version is None:
            version = resolved[target.model_version] = self._registry.resolve(target.model_version)
        return replace(target, model_version=version.name, package_blob=version.package_blob)

    def _change(self, current: Deployment, changed: Deployment, *, loaded: bool = False) -> Deployment:
        if not loaded and changed.traffic != current.traffic:
            # Shadows come when they come: what answers must not wait for them, least of all in a rollback.
            self._load(changed.answering)
            for source in changed.shadows:
                self._catalog.cache.begin(source)
        return self.keep(current, changed)

    def _load(self, sources: Sequence[ModelSource]) -> list[Model]:
        try:
            return self._catalog.load(sources, LOAD_SECONDS)
        except FairleadError:
            self._catalog.drop_unused(sources)
            raise


def _check_rate(rate: float) -> None:
    # A comparison that is false for NaN too.
    if not 0.0 <= rate <= 1.0:
        raise InvalidArgument(
            f"log_sampling_rate is {rate:g}; give a share above 0 and up to 1, or 0 for every request",
            violations=[FieldViolation("log_sampling_rate", "must be from 0 to 1")],
        )
