"""What each deployment's requests are answered by. A lookup of a route or a loaded model takes no lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

from fairlead.kit.errors import NotFound

from ..models.cache import CacheState, ModelCache
from ..models.model import Model, ModelSource
from .deployment import Deployment, State
from .route import Route
from .unknown_names import UnknownNames


@dataclass(frozen=True)
class Status:
    """Where a deployment stands, and why it failed when it did."""

    state: State
    error: str = ""


class Catalog:
    """The routes of all deployments, on top of the models in memory."""

    def __init__(self, cache: ModelCache, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take models from this cache; clock returns seconds."""
        self.cache = cache
        self.routes: dict[str, Route] = {}
        """By deployment name; to be read by anyone, changed only here."""
        self.discover: Callable[[], None] | None = None
        """Called where a deployment is not known, which another process may have made a moment ago; not too often."""
        self._unknown = UnknownNames(clock)
        self._clock = clock
        self._lock = Lock()
        self._behind: dict[str, str] = {}

    def restore(self, deployments: Iterable[Deployment]) -> None:
        """Answer for these from now on. Their models are loaded when they are first asked; pinned ones at once."""
        with self._lock:
            for deployment in deployments:
                self.routes[deployment.name] = Route(deployment)
            self._pin()
        for deployment in self.deployments():
            self._load_pinned(deployment)

    def load(self, sources: Sequence[ModelSource], timeout: float) -> list[Model]:
        """Return these models, loaded at the same time, without serving them yet.

        Raises what the loader raises, or Unavailable once the timeout (seconds) is over.
        """
        until = self._clock() + timeout
        for source in sources:
            self.cache.begin(source)
        return [self.cache.get(source, max(0.0, until - self._clock())) for source in sources]

    def put(self, deployment: Deployment) -> None:
        """Let its split answer from now on, unless a later change of it does; calls under way end as they began."""
        with self._lock:
            known = self.routes.get(deployment.name)
            if known is not None and known.deployment.revision > deployment.revision:
                return
            self.routes[deployment.name] = Route(deployment)
            self._behind.pop(deployment.name, None)
            if deployment.pinned or (known is not None and known.deployment.pinned):
                self._pin()
        self._load_pinned(deployment)

    def remove(self, name: str, revision: int | None = None) -> bool:
        """Answer for this deployment no more, unless a later change than this revision made it; return whether so."""
        with self._lock:
            route = self.routes.get(name)
            if route is None or (revision is not None and route.deployment.revision > revision):
                return False
            del self.routes[name]
            self._behind.pop(name, None)
            unused = _versions(route) - {version for other in self.routes.values() for version in _versions(other)}
            self._pin()
        for version in unused:
            self.cache.discard(version)
        return True

    def drop_unused(self, sources: Iterable[ModelSource]) -> None:
        """Free models that were loaded for a change that was not made, where no deployment serves them."""
        with self._lock:
            used = {version for route in self.routes.values() for version in _versions(route)}
        for source in sources:
            if source.model_version not in used:
                self.cache.discard(source.model_version)

    def peek(self, name: str) -> Model | None:
        """Return the champion's model, if whichever version a request may go to is loaded; no use of any yet."""
        route = self.routes.get(name)
        if route is None:
            return None
        find = self.cache.find
        if route.sole is None and any(find(arm.version) is None for arm in route.arms[1:]):
            return None
        return find(route.champion.version)

    def route(self, name: str) -> Route:
        """Return who answers for a deployment. Raises NotFound."""
        route = self.routes.get(name)
        if route is None and self.discover is not None:
            self._unknown.look(name, self.discover)
            route = self.routes.get(name)
        if route is None:
            raise NotFound(f"there is no deployment '{name}'", resource=name)
        return route

    def status(self, name: str) -> Status:
        """Return whether the deployment answers; one whose models are not in memory does, by loading them."""
        route = self.routes.get(name)
        if route is None:
            # It is stored, and known here in a moment.
            return Status(State.READY)
        states = [self.cache.state(arm.version) for arm in (*route.arms, *route.shadows)]
        for status in states[: len(route.arms)]:
            if status.state is CacheState.FAILED:
                return Status(State.FAILED, status.error)
        if any(status.state is CacheState.LOADING for status in states[: len(route.arms)]):
            return Status(State.LOADING)
        errors = [status.error for status in states if status.state is CacheState.FAILED]
        # It answers, but not all is as it should be.
        return Status(State.READY, self._behind.get(name) or next(iter(errors), ""))

    def fall_behind(self, name: str, error: str) -> None:
        """Note why a change made elsewhere is not served here yet."""
        with self._lock:
            if name in self.routes:
                self._behind[name] = error

    def deployments(self) -> list[Deployment]:
        """Return what is served, by name."""
        routes = self.routes.copy()
        return [routes[name].deployment for name in sorted(routes)]

    def scheduled(self) -> list[Deployment]:
        """Return those that have steps to come."""
        return [route.deployment for route in self.routes.copy().values() if route.deployment.steps]

    def knows(self, name: str) -> bool:
        """Return whether there is such a deployment."""
        return name in self.routes

    def find(self, name: str) -> Deployment:
        """Return one deployment. Raises NotFound."""
        return self.route(name).deployment

    def close(self) -> None:
        """Begin no more loading, and wait for what is under way."""
        self.cache.close()

    def _pin(self) -> None:
        pinned = (route for route in self.routes.values() if route.deployment.pinned)
        self.cache.pin(frozenset(version for route in pinned for version in _versions(route)))

    def _load_pinned(self, deployment: Deployment) -> None:
        if deployment.pinned:
            for source in deployment.sources:
                self.cache.begin(source)


def _versions(route: Route) -> set[str]:
    return {arm.version for arm in (*route.arms, *route.shadows)}
