"""Deployments of made-up models of houses, kept in a real database: what several serving processes do, in one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Event

from fairlead.kit.database import migrate, open_database
from fairlead.kit.errors import NotFound
from fairlead.kit.events import open_event_log
from services.serving.adapters.deployments.store import SqlDeploymentStore
from services.serving.adapters.log.outbox import Outbox
from services.serving.adapters.tables import MIGRATIONS
from services.serving.domain.models.cache import ModelCache
from services.serving.domain.models.model import Model, ModelSource
from services.serving.domain.models.schema import Schema
from services.serving.domain.requests.columns import Array, Columns
from services.serving.domain.traffic.catalog import Catalog
from services.serving.domain.traffic.deployment import Deployment
from services.serving.domain.traffic.deployments import Deployments, ResolvedVersion
from services.serving.domain.traffic.following import Following
from services.serving.domain.traffic.schedule import Schedule
from services.serving.domain.traffic.split import Target, Traffic, sole
from tests.unit.serving.schemas import PRICE

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUSE = "projects/p/deployments/house"


def version(number: int) -> str:
    return f"projects/p/models/m/versions/{number}"


def source(number: int) -> ModelSource:
    return ModelSource(version(number), f"models/p/{number}")


def target(number: int, percent: float = 0.0, *, shadow: bool = False) -> Target:
    return Target(version(number), f"models/p/{number}", percent, shadow)


def deployed(number: int = 1, name: str = "house") -> Deployment:
    return Deployment("p", name, sole(version(number), f"models/p/{number}"), "etag-1", NOON, NOON)


def with_traffic(traffic: Traffic, name: str = "house") -> Deployment:
    return replace(deployed(name=name), traffic=traffic)


def shares(deployment: Deployment) -> list[tuple[int, float]]:
    """The numbers and percentages of its split."""
    return [(int(each.model_version.rpartition("/")[2]), each.percent) for each in deployment.traffic]


class SumRuntime:
    """Predicts the sum of the columns, and a million more for each version after the first."""

    def __init__(self, number: int) -> None:
        self._more = (number - 1) * 1_000_000

    def run(self, columns: Columns) -> Array:
        if (columns[0] == 666).any():
            raise RuntimeError("the runtime fails on this row")
        return columns[0] + columns[1] + self._more


class Loader:
    """Loads made-up models; those in `blocked` once they may, those in `broken` not at all."""

    def __init__(self) -> None:
        self.blocked: dict[str, Event] = {}
        self.broken: dict[str, Exception] = {}
        self.schemas: dict[str, Schema] = {}
        self.loads: list[str] = []

    def __call__(self, source: ModelSource) -> Model:
        name = source.model_version
        self.loads.append(name)
        if name in self.blocked:
            assert self.blocked[name].wait(30)
        if name in self.broken:
            raise self.broken[name]
        return Model(name, self.schemas.get(name, PRICE), SumRuntime(int(name.rpartition("/")[2])))


class Unobserved:
    def loaded(self, version: str, seconds: float, cost: int) -> None: ...

    def load_failed(self, version: str, seconds: float) -> None: ...

    def evicted(self, version: str, cost: int) -> None: ...

    def unmeasured(self, error: Exception) -> None: ...


def cache_of(load: Callable[[ModelSource], Model]) -> ModelCache:
    """A cache with room for everything; each use of its clock is a minute later."""
    minutes = count(step=60)
    return ModelCache(
        load,
        budget_bytes=1 << 40,
        resident_bytes=lambda: 0,
        loaders=2,
        observer=Unobserved(),
        clock=lambda: float(next(minutes)),
    )


def champion_of(catalog: Catalog, name: str, timeout: float = 60.0) -> Model:
    """The champion's model, as a request finds it: loaded where it is not in memory."""
    return catalog.cache.get(catalog.route(name).champion.source, timeout)


class Registered:
    """A registry of versions 1 to 9; the alias challenger stands for 2."""

    def resolve(self, model_version: str) -> ResolvedVersion:
        number = "2" if model_version.endswith("aliases/challenger") else model_version.rpartition("/")[2]
        if number not in "123456789":
            raise NotFound(f"there is no {model_version}")
        return ResolvedVersion(version(int(number)), f"models/p/{number}")


class Process:
    """One serving process: a catalog and a cache of its own on a database that it shares."""

    def __init__(self, folder: Path) -> None:
        self.load = Loader()
        self.catalog = Catalog(cache_of(self.load))
        self.now = NOON
        self.ended: list[str] = []
        self._engine = open_database(f"sqlite:///{folder}/serving.db", "serving")
        migrate(self._engine, MIGRATIONS)
        self._events = open_event_log(f"sqlite:///{folder}/events.db", source="serving")
        self._outbox = Outbox(self._engine, self._events)
        self.store = SqlDeploymentStore(self._engine, self._outbox)
        etags = count()
        self.deployments = Deployments(
            self.store,
            Registered(),
            self.catalog,
            now=lambda: self.now,
            new_etag=lambda: f"{id(self)}-{next(etags)}",
            forget=self.ended.append,
        )
        self.following = Following(self.store, self.catalog, self.ended.append)
        self.schedule = Schedule(self.deployments, self.catalog, patience=timedelta(seconds=10))
        self.following.restore()

    def shares(self, name: str = HOUSE) -> list[tuple[int, float]]:
        """The split that is served here."""
        return shares(self.catalog.find(name))

    def loaded(self, number: int) -> bool:
        return self.catalog.cache.peek(version(number)) is not None

    def close(self) -> None:
        self.catalog.close()
        self._outbox.close()
        self._events.close()
        self._engine.dispose()
