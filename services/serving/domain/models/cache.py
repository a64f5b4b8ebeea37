"""The models a process holds: loaded on first use, bounded by measured memory, the least recently used out.

A lookup of a loaded model takes no lock. A model that is evicted while calls use it lives until they end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from threading import Lock
from typing import Any, Protocol, TypeVar

from fairlead.kit.errors import FairleadError, Internal, Unavailable
from fairlead.kit.worker_pool import lent

from .load_queue import Load, LoadQueue
from .memory_ledger import MemoryLedger
from .model import Model, ModelSource

Part = TypeVar("Part")

RETRY_SECONDS = 1.0
"""A model that could not be loaded is not tried again sooner; its error is answered meanwhile."""
RELEASE_PAUSE = 20.0
"""Memory is given back again after so many times as long as it took: others who want memory wait meanwhile."""


class CacheState(Enum):
    """Whether a model is in memory."""

    READY = "ready"
    LOADING = "loading"
    FAILED = "failed"
    UNLOADED = "unloaded"


@dataclass(frozen=True)
class CacheStatus:
    """Where a model stands, and why its loading failed when it did."""

    state: CacheState
    error: str = ""


@dataclass(frozen=True)
class CacheUsage:
    """What a cache holds and has done: hits are lookups of models that were there, for good."""

    models: int
    bytes: int
    loading: int
    waiting: int
    hits: int


class CacheObserver(Protocol):
    """What is told of every loading and eviction."""

    def loaded(self, version: str, seconds: float, cost: int) -> None:
        """Count a model that was loaded, which took cost bytes."""

    def load_failed(self, version: str, seconds: float) -> None:
        """Count a model that could not be loaded."""

    def evicted(self, version: str, cost: int) -> None:
        """Count a model that had to go, so that others have room."""

    def unmeasured(self, error: Exception) -> None:
        """Tell that the memory could not be looked at after a loading; the next one looks again."""


class _Entry:
    """A model in memory; used is higher the later it was used."""

    __slots__ = ("cost", "model", "used")

    def __init__(self, model: Model, cost: int, used: int) -> None:
        self.model, self.cost, self.used = model, cost, used


class ModelCache:
    """Holds models and loads those that are asked for, each once. Safe to call from many threads."""

    def __init__(
        self,
        load: Callable[[Any], Model],
        *,
        budget_bytes: int,
        resident_bytes: Callable[[], int],
        loaders: int,
        observer: CacheObserver,
        clock: Callable[[], float],
        used_bytes: Callable[[], int] | None = None,
        release: Callable[[], None] = lambda: None,
        fetch: Callable[[ModelSource], Any] = lambda source: source,
    ) -> None:
        """Load with the given function, one model at a time, so that what it takes can be measured.

        Before, fetch brings near what load reads, and load is given what it returned, of `loaders` models at a time;
        both run in threads of the cache.
        budget_bytes bounds the memory of all models together (see MemoryLedger for how). resident_bytes measures the
        process's memory; used_bytes what is allocated in it, where that can be told. clock returns seconds. release
        gives back to the machine what evicted models left, and is called where that would make room.
        """
        self._load = load
        self._fetch = fetch
        self._observer = observer
        self._clock = clock
        self._release = release
        self._pool = ThreadPoolExecutor(loaders, thread_name_prefix="load")
        self._lock = Lock()
        # Taken before the other one where both are.
        self._building = Lock()
        self._ledger = MemoryLedger(budget_bytes, resident_bytes, used_bytes or resident_bytes)
        self._entries: dict[str, _Entry] = {}
        self._loading: dict[str, Load] = {}
        self._queue = LoadQueue()
        self._failed: dict[str, tuple[FairleadError, float]] = {}
        self._pinned: frozenset[str] = frozenset()
        self._release_after = 0.0
        self._waiting = 0
        # Only ever advanced by next(), which is one step for all threads.
        self._uses = itertools.count(1)
        self._uses_not_hits = 0

    def peek(self, version: str) -> Model | None:
        """Return the model if it is loaded, which counts as a use of it. Takes no lock."""
        entry = self._entries.get(version)
        if entry is None:
            return None
        entry.used = next(self._uses)
        return entry.model

    def find(self, version: str) -> Model | None:
        """Return the model if it is loaded, for who wants to know of it; no use of it. Takes no lock."""
        entry = self._entries.get(version)
        return None if entry is None else entry.model

    def get(self, source: ModelSource, timeout: float = 60.0) -> Model:
        """Return the model, waiting up to timeout seconds for it to be loaded.

        Raises the loader's error, or Unavailable once the timeout is over.
        """
        model = self.peek(source.model_version)
        if model is not None:
            return model
        with self._lock:
            load = self._begin(source)
            self._queue.hurry(load)
            self._waiting += 1
        try:
            with lent():
                return load.future.result(timeout)
        except TimeoutError:
            raise Unavailable(
                f"the model {source.model_version} is still loading; try again in a moment", retry_after=2.0
            ) from None
        except CancelledError:
            raise Unavailable("the server is shutting down; try again in a moment", retry_after=2.0) from None
        finally:
            with self._lock:
                self._waiting -= 1

    def begin(self, source: ModelSource) -> None:
        """Load the model in the background, unless it is loaded, loading, or failed a moment ago.

        Those that get() waits for come first.
        """
        with self._lock:
            self._begin(source)

    def include(self, version: str, make: Callable[[], Part]) -> Part:
        """Return what make() makes: a part that this model keeps from now on, whose memory is measured and counts as
        the model's. Raises what make() raises.
        """
        with self._building:
            with self._lock:
                self._ledger.begin()
            part = make()
            with self._lock:
                entry = self._entries.get(version)
                if entry is not None:
                    entry.cost += self._ledger.add()
            self._make_room_after(version)
        return part

    def discard(self, version: str) -> None:
        """Hold this model no more, also where it is pinned, still loading or failed; the next get loads it again."""
        with self._lock:
            load = self._loading.pop(version, None)
            if load is not None and self._queue.drop(load):
                load.future.cancel()
            self._failed.pop(version, None)
            entry = self._entries.pop(version, None)
            if entry is not None:
                self._ledger.remove(entry.cost)
            self._ledger.forget(version)

    def pin(self, versions: frozenset[str]) -> None:
        """Keep these models from being evicted once they are loaded, and no others. Loads none."""
        self._pinned = versions

    def state(self, version: str) -> CacheStatus:
        """Return whether the model is in memory, and why not when its loading failed."""
        with self._lock:
            if version in self._entries:
                return CacheStatus(CacheState.READY)
            if version in self._loading:
                return CacheStatus(CacheState.LOADING)
            failure = self._failed.get(version)
        if failure is not None:
            return CacheStatus(CacheState.FAILED, failure[0].message)
        return CacheStatus(CacheState.UNLOADED)

    def usage(self) -> CacheUsage:
        """Return what is held now and what was done so far."""
        with self._lock:
            self._uses_not_hits += 1
            hits = next(self._uses) - self._uses_not_hits
            return CacheUsage(len(self._entries), self._ledger.total, len(self._loading), self._waiting, hits)

    def close(self) -> None:
        """Begin no more loading, tell those who wait for it, and wait for what is under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            abandoned = list(self._loading.values())
            self._loading.clear()
        for load in abandoned:
            load.future.cancel()

    def _begin(self, source: ModelSource) -> Load:
        """Return the loading of a model, or one that has ended if it is loaded or failed a moment ago.

        The lock is held.
        """
        version = source.model_version
        load = self._loading.get(version)
        if load is not None:
            return load
        load = Load(source)
        entry = self._entries.get(version)
        if entry is not None:
            load.future.set_result(entry.model)
            return load
        failure = self._failed.get(version)
        if failure is not None and self._clock() - failure[1] < RETRY_SECONDS:
            load.future.set_exception(_copy(failure[0]))
            return load
        try:
            self._pool.submit(self._run_next)
        except RuntimeError:
            # It is closed.
            load.future.cancel()
            return load
        self._queue.add(load)
        self._loading[version] = load
        return load

    def _run_next(self) -> None:
        """Load one model and keep it, in a loader's thread."""
        with self._lock:
            load = self._queue.take()
        if load is None:
            return
        started = self._clock()
        try:
            fetched = self._fetch(load.source)
            with self._building:
                model = self._build(load, fetched, started)
                load.future.set_result(model)
                # It may have taken more than was expected; who waits for it need not wait for that.
                self._make_room_after(load.source.model_version)
        except Exception as error:  # noqa: BLE001 - whoever waits for the model must be told, whatever it was
            self._fail(load, _told(load.source, error), started)

    def _build(self, load: Load, fetched: Any, started: float) -> Model:
        version = load.source.model_version
        with self._lock:
            coming = self._ledger.expected(version)
        self._make_room(coming)
        with self._lock:
            self._ledger.begin()
        model = self._load(fetched)
        with self._lock:
            cost = self._ledger.end(version)
            # Where it was discarded meanwhile, only those who wait for it get it.
            if self._loading.get(version) is load:
                self._entries[version] = _Entry(model, cost, next(self._uses))
                self._uses_not_hits += 1
                self._failed.pop(version, None)
                del self._loading[version]
            else:
                self._ledger.remove(cost)
        self._observer.loaded(version, self._clock() - started, cost)
        return model

    def _fail(self, load: Load, error: FairleadError, started: float) -> None:
        version = load.source.model_version
        with self._lock:
            if self._loading.get(version) is load:
                self._failed[version] = (_copy(error), self._clock())
                del self._loading[version]
        try:
            self._observer.load_failed(version, self._clock() - started)
        finally:
            load.future.set_exception(error)

    def _make_room_after(self, version: str) -> None:
        try:
            self._make_room(but=version)
        except Exception as error:  # noqa: BLE001 - the model is there, and answers
            self._observer.unmeasured(error)

    def _make_room(self, coming: int = 0, *, but: str = "") -> None:
        """Give back what is no model's where that is much, then evict as many models as it takes."""
        began = self._clock()
        with self._lock:
            release = began >= self._release_after and self._ledger.is_scattered(coming)
        if release:
            self._release()
            ended = self._clock()
            self._release_after = ended + RELEASE_PAUSE * (ended - began)
        with self._lock:
            victims = self._victims(coming, but)
        evicted = [(version, entry.cost) for version, entry in victims]
        # Freed here, outside the lock, since that takes a while.
        victims.clear()
        for version, cost in evicted:
            self._observer.evicted(version, cost)

    def _victims(self, coming: int, but: str) -> list[tuple[str, _Entry]]:
        """Take out the least recently used models until the rest is within bounds; the lock is held."""
        excess = self._ledger.excess(coming)
        if excess <= 0:
            return []
        candidates = [
            (entry.used, version)
            for version, entry in self._entries.items()
            if version not in self._pinned and version != but
        ]
        victims = []
        for _, version in sorted(candidates):
            if excess <= 0:
                break
            entry = self._entries.pop(version)
            self._ledger.remove(entry.cost)
            excess -= entry.cost
            victims.append((version, entry))
        return victims


def _told(source: ModelSource, error: Exception) -> FairleadError:
    if isinstance(error, FairleadError):
        return error
    version = source.model_version
    told = Internal(f"the model {version} can't be loaded: {error}", resource=version)
    told.__cause__ = error
    return told


def _copy(error: FairleadError) -> FairleadError:
    """Return the same error for one more caller.

    One object raised again and again would pile up its traceback, and keep alive what its frames hold.
    """
    return type(error)(
        error.message, violations=error.violations, resource=error.resource, retry_after=error.retry_after
    )
