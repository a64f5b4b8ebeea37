"""The models as the protocol's repository, metadata and statistics calls see them: a deployment is a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fairlead.kit.errors import FairleadError, InvalidArgument

from .models.cache import CacheState
from .models.model import Model
from .server_info import NO_OVERRIDES
from .statistics import Statistics, StatisticsBook
from .traffic.catalog import Catalog
from .traffic.deployment import name_of_inference
from .traffic.route import Arm, Route

READY, LOADING, UNAVAILABLE = "READY", "LOADING", "UNAVAILABLE"
NOT_IN_MEMORY = "not in memory; the next prediction loads it"
_STATES = {
    CacheState.READY: READY,
    CacheState.UNLOADED: READY,
    CacheState.LOADING: LOADING,
    CacheState.FAILED: UNAVAILABLE,
}


class IndexEntry(NamedTuple):
    """One version of a model of the repository."""

    name: str
    version: str
    state: str
    reason: str


class ModelDescription(NamedTuple):
    """A model by its name in the protocol, the version that is described, and the numbers of all that are served."""

    name: str
    model: Model
    versions: tuple[str, ...]

    @property
    def parameters(self) -> dict[str, str | tuple[str, ...]]:
        """Return what the protocol has no field for; the classes are in the order of their probabilities."""
        return {
            "fairlead_model_version": self.model.version,
            "fairlead_task_type": self.model.schema.task.value,
            "fairlead_classes": self.model.schema.classes,
        }


class VersionStatistics(NamedTuple):
    """What one version of a model has done."""

    name: str
    version: str
    statistics: Statistics


class ModelRepository:
    """Finds, loads and unloads models by their names in the protocol."""

    def __init__(self, catalog: Catalog, book: StatisticsBook) -> None:
        self._catalog = catalog
        self._book = book

    def index(self, *, ready_only: bool = False) -> list[IndexEntry]:
        """Return every version of every model, or only those that answer: also such as must be loaded first."""
        entries = [
            self._entry(deployment.inference_name, arm)
            for deployment in self._catalog.deployments()
            for arm in _arms(self._catalog.route(deployment.name))
        ]
        return [entry for entry in entries if entry.state == READY or not ready_only]

    def is_ready(self, name: str, version: str) -> bool:
        """Return whether a model, or one version of it, answers: from memory, or by being loaded first."""
        try:
            arms = self._chosen(name, version)
        except FairleadError:
            return False
        return all(_STATES[self._catalog.cache.state(arm.version).state] == READY for arm in arms)

    def describe(self, name: str, version: str, timeout: float) -> ModelDescription:
        """Return a model, loading it where it is not in memory. Raises NotFound, and what loading raises."""
        route = self._route(name)
        arm = route.arm(version) if version else route.champion
        model = self._catalog.cache.get(arm.source, timeout)
        return ModelDescription(name, model, tuple(each.number for each in _arms(route)))

    def load(self, name: str, timeout: float, overrides: Iterable[str] = ()) -> None:
        """Load every version of a model that answers into memory.

        Raises InvalidArgument for parameters that would override what is deployed, NotFound, and what loading raises.
        """
        named = ", ".join(sorted(overrides))
        if named:
            raise InvalidArgument(f"{named}: {NO_OVERRIDES}")
        self._catalog.load([arm.source for arm in _arms(self._route(name))], timeout)

    def unload(self, name: str) -> None:
        """Free the memory of a model's versions; the next prediction loads what it needs. Raises NotFound."""
        for arm in _arms(self._route(name)):
            self._catalog.cache.discard(arm.version)

    def statistics(self, name: str, version: str) -> list[VersionStatistics]:
        """Return what the versions of a model have done, of all models where the name is empty. Raises NotFound.

        Requests that no version answered count as failures of the champion.
        """
        if not name:
            return [
                entry
                for deployment in self._catalog.deployments()
                for entry in self.statistics(deployment.inference_name, "")
            ]
        route = self._route(name)
        return [
            VersionStatistics(
                name,
                arm.number,
                self._book.of(route.deployment.name, *((arm.number, "") if arm is route.champion else (arm.number,))),
            )
            for arm in self._chosen(name, version)
        ]

    def _route(self, name: str) -> Route:
        return self._catalog.route(name_of_inference(name))

    def _chosen(self, name: str, version: str) -> tuple[Arm, ...]:
        route = self._route(name)
        return (route.arm(version),) if version else _arms(route)

    def _entry(self, name: str, arm: Arm) -> IndexEntry:
        status = self._catalog.cache.state(arm.version)
        reason = NOT_IN_MEMORY if status.state is CacheState.UNLOADED else status.error
        return IndexEntry(name, arm.number, _STATES[status.state], reason)


def _arms(route: Route) -> tuple[Arm, ...]:
    return (*route.arms, *route.shadows)
