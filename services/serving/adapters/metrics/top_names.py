"""Which names get a label of their own in metrics, where there may be thousands: the most used ones."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

OTHER = "other"
"""The label of all names that have none of their own."""
ADVANTAGE = 2.0
"""How many times as much as a labelled name another must be used to take its place, so that labels do not flutter."""


class NameUse:
    """How much a name is used, and what it is called in metrics. Counting is not exact, which ranking does not need."""

    __slots__ = ("label", "score", "uses")

    def __init__(self, label: str) -> None:
        self.label = label
        self.uses = 0
        self.score = 0.0


class TopNames:
    """Labels for at most `limit` names at a time; all others share OTHER. Safe to call from many threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = Lock()
        self._names: dict[str, NameUse] = {}
        self._labelled: set[str] = set()

    def meet(self, name: str) -> NameUse:
        """Return what is known of a name; a new one gets a label of its own while there are some left."""
        known = self._names.get(name)
        if known is not None:
            return known
        with self._lock:
            use = self._names.get(name)
            if use is None:
                labelled = len(self._labelled) < self._limit
                if labelled:
                    self._labelled.add(name)
                use = self._names[name] = NameUse(name if labelled else OTHER)
            return use

    def forget(self, name: str) -> None:
        """Forget a name that will not come again; its label is free."""
        with self._lock:
            self._names.pop(name, None)
            self._labelled.discard(name)

    def rank(self) -> tuple[list[str], list[str]]:
        """Give labels to the names used most since the last ranking, earlier uses counting half as much each time.

        Returns the names that lost their label, and those that got one.
        """
        with self._lock:
            for use in self._names.values():
                use.score, use.uses = use.score / 2 + use.uses, 0
            ranked = sorted(self._labelled, key=self._score)
            others = sorted(self._names.keys() - self._labelled, key=self._score, reverse=True)
            free = self._limit - len(self._labelled)
            risen, fallen = others[:free], []
            for challenger, holder in zip(others[free:], ranked, strict=False):
                if self._score(challenger) <= ADVANTAGE * self._score(holder):
                    break
                risen.append(challenger)
                fallen.append(holder)
            self._relabel(fallen, OTHER)
            for name in risen:
                self._relabel([name], name)
            self._labelled.difference_update(fallen)
            self._labelled.update(risen)
        return fallen, risen

    def _score(self, name: str) -> float:
        return self._names[name].score

    def _relabel(self, names: Iterable[str], label: str) -> None:
        for name in names:
            self._names[name].label = label
