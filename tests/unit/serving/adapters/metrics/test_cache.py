from prometheus_client import CollectorRegistry, generate_latest

from services.serving.adapters.metrics.cache import PrometheusCacheObserver
from services.serving.domain.models.cache import ModelCache
from services.serving.domain.models.model import Model, ModelSource
from services.serving.domain.requests.columns import Array, Columns
from tests.unit.serving.schemas import PRICE


class SumRuntime:
    def run(self, columns: Columns) -> Array:
        return columns[0] + columns[1]


def scrape(registry: CollectorRegistry) -> dict[str, float]:
    lines = generate_latest(registry).decode().splitlines()
    return {name: float(value) for name, _, value in (x.rpartition(" ") for x in lines if not x.startswith("#"))}


def test_loads_hits_evictions_and_what_is_held_are_told() -> None:
    registry = CollectorRegistry()
    observer = PrometheusCacheObserver(registry)
    held = iter(range(0, 10_000, 100))
    cache = ModelCache(
        lambda source: Model(source.model_version, PRICE, SumRuntime()),
        budget_bytes=1000,
        resident_bytes=lambda: 0,
        used_bytes=lambda: next(held),
        loaders=1,
        observer=observer,
        clock=lambda: 0.0,
    )
    observer.watch(cache)
    for version in ("a", "b"):
        cache.get(ModelSource(version, f"models/p/{version}"))
    cache.peek("a")
    observer.evicted("b", 100)
    observer.load_failed("c", 0.3)
    found = scrape(registry)
    assert found["fairlead_model_cache_hits_total"] == 1
    assert found['fairlead_model_loads_total{model="a"}'] == 1
    assert found['fairlead_model_evictions_total{model="b"}'] == 1
    assert found['fairlead_model_load_failures_total{model="c"}'] == 1
    assert found["fairlead_model_load_seconds_count"] == 3
    assert found['fairlead_model_load_seconds_bucket{le="0.25"}'] == 2
    assert found["fairlead_models_loaded"] == 2
    assert found["fairlead_models_bytes"] == 200
    assert found["fairlead_models_loading"] == 0
    assert found["fairlead_models_waiting_requests"] == 0


def test_a_thousand_models_never_make_more_labels_than_there_are_and_one() -> None:
    registry = CollectorRegistry()
    observer = PrometheusCacheObserver(registry, labelled=5)
    for turn in range(5):
        for number in range(1000):
            for _ in range(1 + (number % 9 == turn)):
                observer.loaded(f"v{number}", 0.01, 1)
                observer.evicted(f"v{number}", 1)
        labels = {name.split('model="')[1] for name in scrape(registry) if 'model="' in name}
        assert len(labels) <= 6
        assert 'other"}' in labels


def test_what_was_counted_under_the_other_label_stays_there() -> None:
    registry = CollectorRegistry()
    observer = PrometheusCacheObserver(registry, labelled=2)
    observer.loaded("a", 0.01, 1)
    for number in range(3):
        observer.loaded(f"seldom{number}", 0.01, 1)
    for _ in range(10):
        observer.loaded("b", 0.01, 1)
    assert scrape(registry)['fairlead_model_loads_total{model="other"}'] == 13
    observer.loaded("b", 0.01, 1)
    found = scrape(registry)
    assert found['fairlead_model_loads_total{model="b"}'] == 1
    assert found['fairlead_model_loads_total{model="other"}'] == 13
    assert found['fairlead_model_loads_total{model="a"}'] == 1
