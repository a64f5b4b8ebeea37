"""Models that are to be loaded: those that someone waits for first."""

from __future__ import annotations

from concurrent.futures import Future

from .model import Model, ModelSource


class Load:
    """One loading, for however many wait for it."""

    __slots__ = ("future", "source")

    def __init__(self, source: ModelSource) -> None:
        self.source = source
        self.future: Future[Model] = Future()


class LoadQueue:
    """Loadings that have not begun, in the order they came. Its owner holds a lock around every call."""

    def __init__(self) -> None:
        # Dicts keep the order and lose from the middle.
        self._urgent: dict[Load, None] = {}
        self._others: dict[Load, None] = {}

    def add(self, load: Load) -> None:
        """Put a loading at the end of those that nobody waits for."""
        self._others[load] = None

    def hurry(self, load: Load) -> None:
        """Someone waits for this loading; nothing happens where it has begun or is urgent already."""
        if load in self._others:
            del self._others[load]
            self._urgent[load] = None

    def drop(self, load: Load) -> bool:
        """Take out a loading that nobody waits for; return whether it was there."""
        if load not in self._others:
            return False
        del self._others[load]
        return True

    def take(self) -> Load | None:
        """Return the next loading, which begins now; None where it was dropped."""
        queue = self._urgent or self._others
        load = next(iter(queue), None)
        if load is not None:
            del queue[load]
        return load
