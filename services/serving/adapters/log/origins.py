"""What the heads of journal records tell, each read once: for a batch of a row that takes longer than all the rest."""

from __future__ import annotations

import json

from ...domain.models.schema import InputColumn, Kind, Schema, TaskType
from ...domain.prediction_log import Origin

HEADS_BYTES = 2 * 1024 * 1024
"""What is read from a head takes several times as much."""


class Origins:
    """Origins by head; for one thread."""

    def __init__(self, most_bytes: int = HEADS_BYTES) -> None:
        """Keep what so many bytes of heads tell."""
        self._most_bytes = most_bytes
        self._known: dict[bytes, Origin] = {}
        self._bytes = 0

    def of(self, head: bytes) -> Origin:
        """Return what a head tells. Raises an error of any kind where it is none."""
        origin = self._known.get(head)
        if origin is None:
            origin = _origin(head)
            self._bytes += len(head)
            if self._bytes > self._most_bytes:
                # Versions that answer no more leave theirs behind.
                self._known.clear()
                self._bytes = len(head)
            self._known[head] = origin
        return origin


def _origin(head: bytes) -> Origin:
    known = json.loads(head)
    inputs = tuple(InputColumn(name, Kind(kind), tensor) for name, kind, tensor in known["inputs"])
    schema = Schema(TaskType(known["task"]), tuple(known["classes"]), inputs)
    # Heads of earlier versions of this service lack the last two.
    shadow, sampling_rate = known.get("shadow", False), known.get("sampling_rate", 0.0)
    return Origin(known["deployment"], known["model_version"], schema, shadow, sampling_rate)
