"""The models in a pod's memory: the least recently used go where there is no room."""

from __future__ import annotations

from collections import OrderedDict


class ModelMemory:
    """Holds models of one size within a bound."""

    def __init__(self, mib: float, model_mib: float) -> None:
        self._room = max(1, int(mib // model_mib))
        self._held: OrderedDict[str, None] = OrderedDict()

    def use(self, model: str) -> bool:
        """Return whether a model is there, which is then the most recently used one."""
        if model not in self._held:
            return False
        self._held.move_to_end(model)
        return True

    def keep(self, model: str) -> None:
        """Hold a model; the least recently used goes where there is no room."""
        self._held[model] = None
        self._held.move_to_end(model)
        while len(self._held) > self._room:
            self._held.popitem(last=False)

    def __len__(self) -> int:
        return len(self._held)
