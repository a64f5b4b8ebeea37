"""Which names get a label of their own in metrics, where there may be thousands: the most used ones.

A label is never taken back while its name is there: a counter that ends, or goes on under another label, would make
sums go down, which those who read counters take for a restart.
"""

from __future__ import annotations

from threading import Lock

OTHER = "other"
"""The label of all names that have none of their own."""
ADVANTAGE = 2.0
"""How many times as much as the mean name one must be used to earn a label."""


class NameUse:
    """How much a name is used, and what it is called in metrics. Counting is not exact, which ranking does not need."""

    __slots__ = ("label", "score", "uses")

    def __init__(self, label: str) -> None:
        self.label = label
        self.uses = 0
        self.score = 0.0


class TopNames:
    """Labels for at most `limit` names; all others share OTHER. Safe to call from many threads.

    The first half goes to whoever comes first, the other half to those that prove to be used much.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._at_once = max(1, limit // 2)
        self._lock = Lock()
        self._names: dict[str, NameUse] = {}
        self._labelled: set[str] = set()

    def meet(self, name: str) -> NameUse:
        """Return what is known of a name; a new one gets a label of its own while there are some for the first."""
        known = self._names.get(name)
        if known is not None:
            return known
        with self._lock:
            use = self._names.get(name)
            if use is None:
                labelled = len(self._labelled) < self._at_once
                if labelled:
                    self._labelled.add(name)
                use = self._names[name] = NameUse(name if labelled else OTHER)
            return use

    def forget(self, name: str) -> None:
        """Forget a name that will not come again; its label is free."""
        with self._lock:
            self._names.pop(name, None)
            self._labelled.discard(name)

    def rank(self) -> list[str]:
        """Give labels that are left to the names used most, earlier uses counting half as much each time.

        Returns the names that got one.
        """
        with self._lock:
            for use in self._names.values():
                use.score, use.uses = use.score / 2 + use.uses, 0
            others = sorted(self._names.keys() - self._labelled, key=self._score, reverse=True)
            risen = others[: self._limit - len(self._labelled)]
            if len(self._names) > self._limit:
                enough = ADVANTAGE * sum(use.score for use in self._names.values()) / len(self._names)
                risen = [name for name in risen if self._score(name) > enough]
            for name in risen:
                self._names[name].label = name
            self._labelled.update(risen)
        return risen

    def _score(self, name: str) -> float:
        return self._names[name].score
