"""Columns of many rows in fewer bytes than a message of texts and doubles takes.

They are written to the journal, to the event log, and once more where that compacts itself, which is most of what
logging many rows costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from fairlead.api.events.v1 import events_pb2

from ...domain.requests.columns import Array

LEAST_ROWS = 64
"""Of fewer rows there is little to save."""
MOST_TEXTS = 256
"""As many places a byte tells."""
ROWS_A_TEXT = 4
"""Texts that repeat less often would take as much packed."""
SINGLE = np.dtype("<f4")


def packed_texts(name: str, values: Sequence[str]) -> events_pb2.PackedColumn | None:
    """Return texts as places among the few that there are; None where they are many."""
    if len(values) < LEAST_ROWS:
        return None
    each = set(values)
    if len(each) > MOST_TEXTS or len(each) * ROWS_A_TEXT > len(values):
        return None
    texts = sorted(each)
    places = dict(zip(texts, range(len(texts)), strict=True))
    # Quicker than a place at a time.
    return events_pb2.PackedColumn(name=name, texts=texts, places=bytes(itemgetter(*values)(places)))


def packed_numbers(values: Array) -> bytes | None:
    """Return float64 values as the bytes of float32; None where those would differ."""
    if len(values) < LEAST_ROWS:
        return None
    with np.errstate(over="ignore"):
        singles = values.astype(SINGLE)
    # NaN alone is not itself, whichever size it has.
    return singles.tobytes() if ((singles == values) | (values != values)).all() else None
