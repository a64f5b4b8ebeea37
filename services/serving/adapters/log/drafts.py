"""Batches as events to publish, whatever is in them: what can't be an event must hold up nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from fairlead.kit.events import Draft

from ...domain.prediction_log import PredictionBatch
from .frames import Mark
from .made_events import MadeEvents, made_drafts
from .prediction_events import to_drafts


def drafts_of(segment: uuid.UUID, batch: PredictionBatch | MadeEvents, unusable: Callable[[Mark], None]) -> list[Draft]:
    """Return a batch as events; requests that can't be made into any are left out, and unusable is told of each."""
    try:
        return list(made_drafts(segment, batch) if isinstance(batch, MadeEvents) else to_drafts(segment, batch))
    except Exception:  # noqa: BLE001 - what earlier versions kept may fail in any way; the caller is told
        if isinstance(batch, PredictionBatch) and len(batch.requests) > 1:
            return [draft for half in batch.halves() for draft in drafts_of(segment, half, unusable)]
    for mark in _marks(batch):
        unusable(mark)
    return []


def _marks(batch: PredictionBatch | MadeEvents) -> list[Mark]:
    if isinstance(batch, PredictionBatch):
        return [Mark(batch.origin.deployment, request.rows, request.time_ns) for request in batch.requests]
    return [
        Mark(event.deployment, request.row_count, request.time.ToNanoseconds())
        for event in batch.events
        for request in event.requests
    ]
