from datetime import UTC, datetime
from threading import Event, Thread
from time import sleep

import pytest

from fairlead.kit.errors import FailedPrecondition, Internal, NotFound, Unavailable
from services.serving.domain.catalog import Catalog, Status
from services.serving.domain.columns import Array, Columns
from services.serving.domain.deployment import Deployment, State
from services.serving.domain.model import Model
from tests.unit.serving.schemas import PRICE

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class SumRuntime:
    def run(self, columns: Columns) -> Array:
        return columns[0] + columns[1]


def deployment(version: int = 1, name: str = "house") -> Deployment:
    return Deployment("p", name, f"projects/p/models/m/versions/{version}", f"models/p/{version}", "e", NOW, NOW)


def model_of(given: Deployment) -> Model:
    return Model(given.model_version, PRICE, SumRuntime())


def test_a_remembered_deployment_is_loaded_without_being_asked_for() -> None:
    catalog = Catalog(model_of)
    catalog.remember([deployment()])
    assert catalog.get("projects/p/deployments/house").version == "projects/p/models/m/versions/1"
    assert catalog.status("projects/p/deployments/house").state is State.READY


def test_a_call_for_a_model_that_is_loading_waits_for_it() -> None:
    may_load = Event()

    def slowly(given: Deployment) -> Model:
        assert may_load.wait(30)
        return model_of(given)

    catalog = Catalog(slowly)
    catalog.remember([deployment()])
    assert catalog.status(deployment().name).state is State.LOADING
    with pytest.raises(Unavailable, match="still loading"):
        catalog.get(deployment().name, timeout=0.01)
    found: list[Model] = []
    waiting = Thread(target=lambda: found.append(catalog.get(deployment().name, timeout=30)))
    waiting.start()
    may_load.set()
    waiting.join()
    assert found[0].number == "1"


def test_a_failed_loading_is_told_and_tried_again_at_the_next_call() -> None:
    outcomes: list[Exception] = [FailedPrecondition("the package is broken"), ValueError("odd")]

    def load(given: Deployment) -> Model:
        if outcomes:
            raise outcomes.pop(0)
        return model_of(given)

    catalog = Catalog(load)
    catalog.remember([deployment()])
    while catalog.status(deployment().name).state is State.LOADING:
        sleep(0.001)
    assert catalog.status(deployment().name) == Status(State.FAILED, "the package is broken")
    with pytest.raises(Internal, match="odd"):
        catalog.get(deployment().name)
    assert catalog.get(deployment().name).number == "1"


def test_an_update_wins_over_a_loading_that_began_before_it() -> None:
    may_load = Event()

    def slowly(given: Deployment) -> Model:
        assert may_load.wait(30)
        return model_of(given)

    catalog = Catalog(slowly)
    catalog.remember([deployment(1)])
    catalog.put(deployment(2), model_of(deployment(2)))
    may_load.set()
    catalog.close()
    assert catalog.get(deployment().name).number == "2"


def test_a_removed_deployment_is_not_found() -> None:
    catalog = Catalog(model_of)
    catalog.put(deployment(), model_of(deployment()))
    catalog.remove(deployment().name)
    with pytest.raises(NotFound):
        catalog.get(deployment().name)
    with pytest.raises(NotFound):
        catalog.find(deployment().name)
    assert catalog.deployments() == []
