from collections.abc import Iterator
from dataclasses import replace
from threading import Event, Thread

import pytest

from fairlead.kit.errors import FailedPrecondition, NotFound, Unavailable
from services.serving.domain.models.cache import CacheState
from services.serving.domain.models.model import Model
from services.serving.domain.traffic.catalog import Catalog, Status
from services.serving.domain.traffic.deployment import Deployment, State
from services.serving.domain.traffic.split import divided
from tests import waiting
from tests.unit.serving.houses import (
    HOUSE,
    Loader,
    cache_of,
    champion_of,
    deployed,
    source,
    target,
    version,
    with_traffic,
)


@pytest.fixture
def load() -> Loader:
    return Loader()


@pytest.fixture
def catalog(load: Loader) -> Iterator[Catalog]:
    catalog = Catalog(cache_of(load))
    yield catalog
    catalog.close()


def split_of(*shares: tuple[int, float]) -> Deployment:
    return with_traffic(divided([target(*each) for each in shares], ()))


def test_a_restored_deployment_is_ready_and_is_loaded_when_it_is_asked_for(catalog: Catalog, load: Loader) -> None:
    catalog.restore([deployed(1), deployed(2, "garden")])
    assert catalog.status(HOUSE) == Status(State.READY)
    assert (catalog.peek(HOUSE), load.loads) == (None, [])
    assert champion_of(catalog, HOUSE).version == version(1)
    assert load.loads == [version(1)]


def test_pinned_deployments_are_loaded_at_once(catalog: Catalog, load: Loader) -> None:
    catalog.restore([replace(deployed(1), pinned=True), deployed(2, "garden")])
    waiting.until(lambda: catalog.peek(HOUSE) is not None, "the pinned model")
    assert load.loads == [version(1)]
    catalog.put(replace(deployed(2, "garden"), pinned=True))
    waiting.until(lambda: catalog.peek("projects/p/deployments/garden") is not None, "the newly pinned model")


def test_a_call_for_a_model_that_is_loading_waits_for_it(catalog: Catalog, load: Loader) -> None:
    load.blocked[version(1)] = Event()
    catalog.put(deployed(1))
    catalog.cache.begin(source(1))
    assert catalog.status(HOUSE).state is State.LOADING
    with pytest.raises(Unavailable, match="still loading"):
        champion_of(catalog, HOUSE, timeout=0.01)
    found: list[Model] = []
    caller = Thread(target=lambda: found.append(champion_of(catalog, HOUSE, timeout=30)))
    caller.start()
    load.blocked[version(1)].set()
    caller.join()
    assert found[0].number == "1"


def test_a_failed_loading_is_told_and_tried_again_at_the_next_call(catalog: Catalog, load: Loader) -> None:
    load.broken[version(1)] = FailedPrecondition("the package is broken")
    catalog.put(deployed(1))
    with pytest.raises(FailedPrecondition, match="the package is broken"):
        champion_of(catalog, HOUSE)
    assert catalog.status(HOUSE) == Status(State.FAILED, "the package is broken")
    del load.broken[version(1)]
    assert champion_of(catalog, HOUSE).number == "1"
    assert catalog.status(HOUSE) == Status(State.READY)


def test_a_shadow_that_can_not_be_loaded_is_told_and_the_deployment_answers(catalog: Catalog, load: Loader) -> None:
    load.broken[version(2)] = FailedPrecondition("the package is broken")
    catalog.put(with_traffic(divided([target(1, 100), target(2, shadow=True)], ())))
    with pytest.raises(FailedPrecondition):
        catalog.cache.get(source(2))
    assert catalog.status(HOUSE) == Status(State.READY, "the package is broken")


def test_many_models_are_loaded_together_before_any_is_served(catalog: Catalog) -> None:
    models = catalog.load([source(1), source(2)], 30)
    assert [model.number for model in models] == ["1", "2"]
    assert not catalog.knows(HOUSE)


def test_a_split_is_at_hand_once_all_that_answer_are_loaded(catalog: Catalog) -> None:
    catalog.put(split_of((1, 50), (2, 50)))
    catalog.load([source(1)], 30)
    assert catalog.peek(HOUSE) is None
    catalog.load([source(2)], 30)
    model = catalog.peek(HOUSE)
    assert model is not None
    assert model.number == "1"


def test_an_earlier_change_does_not_undo_a_later_one(catalog: Catalog) -> None:
    catalog.put(replace(deployed(2), revision=5))
    catalog.put(replace(deployed(1), revision=4))
    assert catalog.find(HOUSE).model_version == version(2)
    assert not catalog.remove(HOUSE, revision=4)
    assert catalog.remove(HOUSE, revision=5)


def test_a_removed_deployment_is_not_found_and_its_model_is_freed_unless_another_serves_it(catalog: Catalog) -> None:
    catalog.put(deployed(1))
    catalog.put(split_of((1, 50), (2, 50)))
    catalog.put(deployed(1, "garden"))
    catalog.load([source(1), source(2)], 30)
    catalog.remove(HOUSE)
    for ask in (catalog.find, catalog.route):
        with pytest.raises(NotFound):
            ask(HOUSE)
    assert [found.id for found in catalog.deployments()] == ["garden"]
    assert catalog.cache.state(version(1)).state is CacheState.READY
    assert catalog.cache.state(version(2)).state is CacheState.UNLOADED


def test_what_was_loaded_for_nothing_is_freed(catalog: Catalog) -> None:
    catalog.put(deployed(1))
    catalog.load([source(1), source(2)], 30)
    catalog.drop_unused([source(1), source(2)])
    assert catalog.cache.state(version(1)).state is CacheState.READY
    assert catalog.cache.state(version(2)).state is CacheState.UNLOADED


def test_looking_whether_a_model_is_there_is_no_use_of_it(catalog: Catalog) -> None:
    catalog.put(split_of((1, 50), (2, 50)))
    catalog.load([source(1), source(2)], 30)
    before = catalog.cache.usage().hits
    assert catalog.peek(HOUSE) is not None
    assert catalog.cache.usage().hits == before
