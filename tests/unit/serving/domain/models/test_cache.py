"""Models that cost what a test says; the cache is given a clock and a memory that tests set."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Barrier, Event, Lock, Thread
from time import sleep

import pytest

from fairlead.kit.errors import FailedPrecondition, Internal, Unavailable
from services.serving.domain.models.cache import RELEASE_PAUSE, RETRY_SECONDS, CacheState, CacheStatus, ModelCache
from services.serving.domain.models.model import Model, ModelSource
from services.serving.domain.requests.columns import Array, Columns
from tests.unit.serving.schemas import PRICE, numbers

MODEL_BYTES = 100


class SumRuntime:
    """Holds MODEL_BYTES of the machine for as long as it lives."""

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine
        machine.hold(MODEL_BYTES)

    def run(self, columns: Columns) -> Array:
        return columns[0] + columns[1]

    def __del__(self) -> None:
        self._machine.hold(-MODEL_BYTES)


class Machine:
    def __init__(self) -> None:
        self.held = 5000
        self.now = 0.0
        self._lock = Lock()

    def hold(self, size: int) -> None:
        with self._lock:
            self.held += size


class Story:
    """What the cache told of."""

    def __init__(self) -> None:
        self.loads: list[str] = []
        self.costs: list[int] = []
        self.failures: list[str] = []
        self.evictions: list[str] = []
        self.unmeasured_for: list[str] = []

    def loaded(self, version: str, seconds: float, cost: int) -> None:
        self.loads.append(version)
        self.costs.append(cost)

    def load_failed(self, version: str, seconds: float) -> None:
        self.failures.append(version)

    def evicted(self, version: str, cost: int) -> None:
        self.evictions.append(version)

    def unmeasured(self, error: Exception) -> None:
        self.unmeasured_for.append(str(error))


@dataclass(frozen=True)
class Fetched:
    """What lies near of a model."""

    version: str


class Cached:
    """A cache of made-up models on a made-up machine.

    Versions in `far` are fetched, and those in `blocked` loaded, once they may.
    """

    def __init__(self, room_for: int = 3, loaders: int = 2) -> None:
        self.machine, self.story = Machine(), Story()
        self.blocked: dict[str, Event] = {}
        self.broken: dict[str, Callable[[], Exception]] = {}
        self.begun: list[str] = []
        self.far: dict[str, Event] = {}
        self.fetched: list[str] = []
        self.unreachable: set[str] = set()
        self.released = 0
        self.blind = False
        self.cache = ModelCache(
            self._load,
            budget_bytes=room_for * MODEL_BYTES,
            resident_bytes=self._resident_bytes,
            loaders=loaders,
            observer=self.story,
            clock=lambda: self.machine.now,
            release=self._release,
            fetch=self._fetch,
        )

    def _fetch(self, source: ModelSource) -> Fetched:
        version = source.model_version
        if version in self.far:
            assert self.far[version].wait(30)
        if version in self.unreachable:
            raise Unavailable("the store is away")
        self.fetched.append(version)
        return Fetched(version)

    def _resident_bytes(self) -> int:
        if self.blind:
            raise OSError(24, "Too many open files")
        return self.machine.held

    def _release(self) -> None:
        self.released += 1
        self.machine.now += 1.0

    def _load(self, fetched: Fetched) -> Model:
        version = fetched.version
        self.begun.append(version)
        if version in self.blocked:
            assert self.blocked[version].wait(30)
        if version in self.broken:
            raise self.broken[version]()
        return Model(version, PRICE, SumRuntime(self.machine))

    def get(self, version: str) -> str:
        return self.cache.get(source_of(version), 30).version

    def held(self, *versions: str) -> list[str]:
        return [version for version in versions if self.cache.state(version).state is CacheState.READY]


def source_of(version: str) -> ModelSource:
    return ModelSource(version, f"models/p/{version}")


def test_a_model_is_loaded_at_its_first_use_and_held() -> None:
    cached = Cached()
    assert cached.cache.peek("a") is None
    assert cached.cache.state("a").state is CacheState.UNLOADED
    model = cached.cache.get(source_of("a"))
    assert cached.cache.peek("a") is model
    assert cached.cache.get(source_of("a")) is model
    assert cached.story.loads == ["a"]


def test_many_threads_that_want_one_model_share_one_loading() -> None:
    cached = Cached()
    cached.blocked["a"] = Event()
    everyone = Barrier(33)
    found: list[Model] = []

    def want() -> None:
        everyone.wait()
        found.append(cached.cache.get(source_of("a"), 30))

    threads = [Thread(target=want) for _ in range(32)]
    for thread in threads:
        thread.start()
    everyone.wait()
    while cached.cache.usage().waiting < 32:
        sleep(0.001)
    cached.blocked["a"].set()
    for thread in threads:
        thread.join()
    assert len(found) == 32
    assert len({id(model) for model in found}) == 1
    assert cached.story.loads == ["a"]


def test_other_models_answer_while_one_loads() -> None:
    cached = Cached()
    cached.get("warm")
    cached.far["slow"] = Event()
    cached.cache.begin(source_of("slow"))
    assert cached.cache.state("slow").state is CacheState.LOADING
    assert cached.cache.peek("warm") is not None
    assert cached.get("cold") == "cold", "while the other one is fetched"
    cached.far["slow"].set()
    assert cached.get("slow") == "slow"


def test_one_model_is_built_at_a_time_so_that_each_is_measured_alone() -> None:
    cached = Cached(loaders=4)
    may_load = Event()
    for version in ("a", "b", "c"):
        cached.blocked[version] = may_load
        cached.cache.begin(source_of(version))
    while len(cached.fetched) < 3 or not cached.begun:
        sleep(0.001)
    assert len(cached.begun) == 1
    may_load.set()
    for version in ("a", "b", "c"):
        cached.get(version)
    assert cached.story.costs == [MODEL_BYTES] * 3


def test_a_package_that_can_not_be_fetched_is_told() -> None:
    cached = Cached()
    cached.unreachable.add("a")
    with pytest.raises(Unavailable, match="the store is away"):
        cached.get("a")
    assert cached.begun == []
    assert cached.cache.state("a") == CacheStatus(CacheState.FAILED, "the store is away")


def test_a_call_that_waits_longer_than_it_may_is_told_to_come_back() -> None:
    cached = Cached()
    cached.blocked["a"] = Event()
    with pytest.raises(Unavailable, match="still loading") as raised:
        cached.cache.get(source_of("a"), 0.01)
    assert raised.value.retry_after
    cached.blocked["a"].set()
    assert cached.get("a") == "a"
    assert cached.story.loads == ["a"]


def test_the_least_recently_used_models_go_once_the_measured_memory_is_used_up() -> None:
    cached = Cached(room_for=3)
    for version in ("a", "b", "c"):
        cached.get(version)
    cached.cache.peek("a")
    cached.get("d")
    assert cached.held("a", "b", "c", "d") == ["a", "c", "d"]
    cached.get("e")
    assert cached.held("a", "b", "c", "d", "e") == ["a", "d", "e"]
    assert cached.story.evictions == ["b", "c"]
    assert cached.machine.held == 5000 + 3 * MODEL_BYTES
    assert cached.cache.usage().bytes == 3 * MODEL_BYTES


def test_an_evicted_model_is_loaded_again_when_it_is_asked_for() -> None:
    cached = Cached(room_for=1)
    assert [cached.get(version) for version in ("a", "b", "a")] == ["a", "b", "a"]
    assert cached.story.loads == ["a", "b", "a"]
    assert cached.held("a", "b") == ["a"]


def test_the_bound_holds_while_many_threads_load_many_models() -> None:
    cached = Cached(room_for=5, loaders=4)
    most = []

    def want(offset: int) -> None:
        for step in range(60):
            version = f"m{(step * 7 + offset) % 23}"
            assert cached.get(version) == version
            most.append(cached.machine.held)

    threads = [Thread(target=want, args=(offset,)) for offset in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cached.cache.close()
    assert cached.cache.usage().models <= 5
    assert cached.machine.held <= 5000 + 5 * MODEL_BYTES
    # One may be on its way in, and one for each thread still in a caller's hands.
    assert max(most) <= 5000 + (5 + 1 + 6) * MODEL_BYTES


def test_pinned_models_stay() -> None:
    cached = Cached(room_for=2)
    cached.cache.pin(frozenset({"a"}))
    for version in ("a", "b", "c", "d"):
        cached.get(version)
    assert cached.held("a", "b", "c", "d") == ["a", "d"]
    cached.cache.pin(frozenset({"d"}))
    cached.get("e")
    assert cached.held("a", "d", "e") == ["d", "e"]


def test_a_model_evicted_while_a_call_uses_it_answers_that_call() -> None:
    cached = Cached(room_for=1)
    in_use = cached.cache.get(source_of("a"))
    cached.get("b")
    assert cached.cache.peek("a") is None
    values = in_use.predict((numbers([1.0]), numbers([2.0])), 1).values
    assert values is not None
    assert values.tolist() == [3.0]
    del in_use
    assert cached.machine.held == 5000 + MODEL_BYTES


def test_a_model_larger_than_the_bound_is_answered_and_goes_first() -> None:
    cached = Cached(room_for=0)
    assert [cached.get(version) for version in ("a", "b")] == ["a", "b"]
    assert cached.held("a", "b") == ["b"]


def test_a_failed_loading_is_told_and_tried_again_after_a_while() -> None:
    cached = Cached()
    cached.broken["a"] = lambda: FailedPrecondition("the package is broken", resource="a")
    with pytest.raises(FailedPrecondition, match="the package is broken"):
        cached.get("a")
    assert cached.cache.state("a") == CacheStatus(CacheState.FAILED, "the package is broken")
    del cached.broken["a"]
    with pytest.raises(FailedPrecondition, match="the package is broken") as raised:
        cached.get("a")
    assert raised.value.resource == "a"
    assert cached.story.failures == ["a"]
    cached.machine.now += RETRY_SECONDS
    assert cached.get("a") == "a"
    assert cached.cache.state("a") == CacheStatus(CacheState.READY)


def test_a_broken_model_fails_only_its_own_calls() -> None:
    cached = Cached()
    cached.get("good")
    cached.broken["bad"] = lambda: ValueError("odd bytes")
    with pytest.raises(Internal, match="bad can't be loaded: odd bytes"):
        cached.get("bad")
    assert cached.cache.peek("good") is not None
    assert cached.get("other") == "other"
    assert cached.cache.usage().bytes == 2 * MODEL_BYTES


def test_a_discarded_model_is_freed_and_loaded_again_by_the_next_call() -> None:
    cached = Cached()
    cached.cache.pin(frozenset({"a"}))
    cached.get("a")
    cached.cache.discard("a")
    assert cached.machine.held == 5000
    assert cached.cache.state("a").state is CacheState.UNLOADED
    assert cached.get("a") == "a"


def test_a_model_discarded_while_it_loads_reaches_those_who_wait_and_is_not_held() -> None:
    cached = Cached()
    cached.blocked["a"] = Event()
    found: list[str] = []
    waiting = Thread(target=lambda: found.append(cached.get("a")))
    waiting.start()
    while not cached.cache.usage().waiting:
        sleep(0.001)
    cached.cache.discard("a")
    cached.blocked["a"].set()
    waiting.join()
    cached.cache.close()
    assert found == ["a"]
    assert cached.cache.peek("a") is None
    assert cached.cache.usage().bytes == 0


def test_a_model_that_someone_waits_for_is_loaded_before_those_begun_in_the_background() -> None:
    cached = Cached(room_for=9, loaders=1)
    cached.blocked["first"] = Event()
    for version in ("first", "b", "c", "d"):
        cached.cache.begin(source_of(version))
    while not cached.begun:
        sleep(0.001)
    waiting = Thread(target=lambda: cached.get("c"))
    waiting.start()
    while not cached.cache.usage().waiting:
        sleep(0.001)
    cached.blocked["first"].set()
    waiting.join()
    cached.get("d")
    cached.get("b")
    assert cached.story.loads[:2] == ["first", "c"]


def test_a_model_discarded_before_its_loading_began_is_not_loaded() -> None:
    cached = Cached(loaders=1)
    cached.blocked["first"] = Event()
    for version in ("first", "b"):
        cached.cache.begin(source_of(version))
    while not cached.begun:
        sleep(0.001)
    cached.cache.discard("b")
    cached.blocked["first"].set()
    assert cached.get("c") == "c"
    assert cached.story.loads == ["first", "c"]
    assert cached.cache.state("b").state is CacheState.UNLOADED


def test_a_lookup_takes_no_lock() -> None:
    cached = Cached()
    cached.get("a")
    found: list[Model | None] = []
    with cached.cache._lock:
        looking = Thread(target=lambda: found.append(cached.cache.peek("a")))
        looking.start()
        looking.join(30)
    assert found[0] is not None


def test_what_is_held_and_hit_is_told() -> None:
    cached = Cached()
    cached.get("a")
    cached.get("b")
    for _ in range(3):
        cached.cache.peek("a")
    cached.cache.peek("nothing")
    assert cached.cache.usage().hits == 3
    usage = cached.cache.usage()
    assert (usage.models, usage.bytes, usage.loading, usage.waiting, usage.hits) == (2, 200, 0, 0, 3)


def test_closing_tells_those_who_wait() -> None:
    cached = Cached(loaders=1)
    cached.blocked["a"] = Event()
    errors: list[str] = []

    def want(version: str) -> None:
        try:
            cached.get(version)
        except Unavailable as error:
            errors.append(error.message)

    threads = [Thread(target=want, args=(version,)) for version in ("a", "b")]
    for thread in threads:
        thread.start()
        while cached.cache.usage().waiting <= threads.index(thread):
            sleep(0.001)
    closing = Thread(target=cached.cache.close)
    closing.start()
    while not cached.cache._pool._shutdown:
        sleep(0.001)
    cached.blocked["a"].set()
    for thread in (*threads, closing):
        thread.join()
    assert errors == ["the server is shutting down; try again in a moment"]
    with pytest.raises(Unavailable, match="shutting down"):
        cached.get("c")


def test_memory_that_is_no_models_is_given_back_but_not_all_the_time() -> None:
    cached = Cached(room_for=4)
    for version in ("a", "b", "c", "d"):
        cached.get(version)
    cached.machine.hold(80)
    cached.get("e")
    cached.machine.hold(80)
    cached.get("f")
    assert cached.released == 1
    cached.machine.now += RELEASE_PAUSE * 1.0
    cached.get("g")
    assert cached.released == 2


def test_whatever_goes_wrong_while_a_model_loads_is_told_and_it_is_tried_again() -> None:
    cached = Cached()
    cached.get("a")
    cached.blind = True
    with pytest.raises(Internal, match=r"b can't be loaded: .*Too many open files"):
        cached.get("b")
    assert cached.cache.state("b").state is CacheState.FAILED
    cached.blind = False
    cached.machine.now += RETRY_SECONDS
    assert cached.get("b") == "b"
    assert cached.cache.usage().loading == 0


def test_a_model_that_was_loaded_answers_though_the_memory_can_not_be_looked_at_then() -> None:
    cached = Cached(room_for=1)
    cached.blocked["a"] = Event()
    cached.cache.begin(source_of("a"))
    while not cached.begun:
        sleep(0.001)
    # What is measured while it loads is allocated memory, here the same: only what comes after may fail.
    cached.cache._ledger._used_bytes = lambda: cached.machine.held
    cached.blind = True
    cached.blocked["a"].set()
    assert cached.get("a") == "a"
    cached.cache.close()
    assert len(cached.story.unmeasured_for) == 1
    assert cached.cache.state("a").state is CacheState.READY


def test_what_a_model_opens_later_counts_as_its_own_and_goes_with_it() -> None:
    cached = Cached(room_for=4)
    for version in ("a", "b", "c"):
        cached.get(version)
    # Something that takes as much as three models, which belongs to the last one.
    part = cached.cache.include("c", lambda: [SumRuntime(cached.machine) for _ in range(3)])
    assert len(part) == 3
    assert cached.held("a", "b", "c") == ["c"]
    assert cached.cache.usage().bytes == 4 * MODEL_BYTES
    cached.cache.discard("c")
    assert cached.cache.usage().bytes == 0


def test_a_part_that_can_not_be_opened_costs_nothing() -> None:
    cached = Cached()
    cached.get("a")

    def fail() -> None:
        raise FailedPrecondition("the package has nothing of this")

    with pytest.raises(FailedPrecondition, match="nothing of this"):
        cached.cache.include("a", fail)
    assert cached.cache.usage().bytes == MODEL_BYTES
    assert cached.get("b") == "b"
