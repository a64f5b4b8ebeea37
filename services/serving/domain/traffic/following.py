"""Serving what other processes change: each looks at a revision number that every change makes higher."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from ..models.cache import CacheState
from ..models.model import ModelSource
from .catalog import Catalog
from .deployment import Deployment


@dataclass(frozen=True)
class Changes:
    """What changed up to a revision, and the names of all deployments that there are."""

    revision: int
    deployments: tuple[Deployment, ...]
    names: frozenset[str]


class Feed(Protocol):
    """Where changes are seen, whoever made them."""

    def changes_since(self, revision: int) -> Changes | None:
        """Return what changed after a revision, None where nothing did. Changes may be told of twice."""


class _Pending:
    """A change whose models are not all loaded here yet."""

    def __init__(self, deployment: Deployment, awaited: list[ModelSource]) -> None:
        self.deployment = deployment
        self.awaited = awaited
        self.error = ""


class Following:
    """Brings the catalog up to date. Safe to call from many threads."""

    def __init__(self, feed: Feed, catalog: Catalog, forget: Callable[[str], None]) -> None:
        """forget is told the name of each deployment that ended elsewhere."""
        self._feed = feed
        self._catalog = catalog
        self._forget = forget
        self._revision = -1
        self._pending: dict[str, _Pending] = {}
        self._lock = Lock()

    def restore(self) -> None:
        """Answer for whatever is deployed; models are loaded when they are asked for."""
        changes = self._feed.changes_since(self._revision)
        if changes is not None:
            self._catalog.restore(changes.deployments)
            self._revision = changes.revision

    @property
    def waits(self) -> bool:
        """Return whether a change waits for its models."""
        return bool(self._pending)

    def look(self) -> list[tuple[str, str]]:
        """Take over what changed; return each deployment whose models failed to load since the last look, and why.

        A change is served once its new models are loaded, but for shadows'; until then requests go where they went.
        Where they can't be loaded here, that is tried again at each look.
        """
        with self._lock:
            changes = self._feed.changes_since(self._revision)
            if changes is not None:
                for deployment in changes.deployments:
                    self._take(deployment)
                self._end_others(changes)
                self._revision = changes.revision
            return [
                (name, pending.error) for name, pending in list(self._pending.items()) if self._fails(name, pending)
            ]

    def _take(self, deployment: Deployment) -> None:
        route = self._catalog.routes.get(deployment.name)
        if route is None:
            self._catalog.put(deployment)
            return
        if route.deployment.revision >= deployment.revision:
            return
        served = set(route.deployment.sources)
        awaited = [source for source in deployment.answering if source not in served]
        self._pending[deployment.name] = _Pending(deployment, awaited)

    def _end_others(self, changes: Changes) -> None:
        for name in self._catalog.routes.keys() - changes.names:
            if self._catalog.remove(name, changes.revision):
                self._pending.pop(name, None)
                self._forget(name)

    def _fails(self, name: str, pending: _Pending) -> bool:
        """Serve a change whose models are loaded; return whether one of them newly failed."""
        route = self._catalog.routes.get(name)
        if route is None or route.deployment.revision >= pending.deployment.revision:
            del self._pending[name]
            return False
        cache = self._catalog.cache
        failure = ""
        for source in list(pending.awaited):
            status = cache.state(source.model_version)
            if status.state is CacheState.READY:
                # Once is enough: where memory is short, the first may be gone again before the last is there.
                pending.awaited.remove(source)
                continue
            if status.state is not CacheState.LOADING:
                cache.begin(source)
            failure = failure or status.error
        if not pending.awaited:
            self._catalog.put(pending.deployment)
            for source in pending.deployment.shadows:
                cache.begin(source)
            del self._pending[name]
            return False
        is_new = bool(failure) and failure != pending.error
        if is_new:
            pending.error = failure
            self._catalog.fall_behind(name, f"the newest change is not served here yet: {failure}")
        return is_new
