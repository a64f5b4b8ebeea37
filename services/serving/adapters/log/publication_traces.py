"""Traces that predictions bring along to their publication, which comes later, on another thread, for many of them.

What waits is in memory alone: predictions that another process publishes, after a restart, are published untraced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.trace import SpanContext, SpanKind

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.events import Draft, topics
from fairlead.kit.tracing import is_exported, sampled, span, within

MOST_WAITING = 4096
"""While the event log is away for long, the traces of the oldest predictions end where they were answered."""


class PublicationTraces:
    """The spans of requests that are not published yet, by the ids of the requests."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._waiting: dict[str, SpanContext] = {}

    def remember(self, request_id: str) -> None:
        """Note the current span as the request's, where it is exported."""
        context = sampled() if is_exported() else None
        if context is None:
            return
        if len(self._waiting) >= self._most:
            self._waiting.pop(next(iter(self._waiting)), None)
        self._waiting[request_id] = context

    @contextmanager
    def publication(self, drafts: Sequence[Draft], rows: int) -> Iterator[None]:
        """Run a block, the publication of events, in a span of the first traced request; the others are linked."""
        contexts = self._take(drafts)
        if not contexts:
            yield
            return
        first, *others = contexts
        name, counts = f"publish {topics.PREDICTIONS}", {"rows": rows, "events": len(drafts)}
        with span(name, within(first), kind=SpanKind.PRODUCER, links=others, **counts):
            yield

    def _take(self, drafts: Sequence[Draft]) -> list[SpanContext]:
        if not self._waiting:
            return []
        messages = [draft.message for draft in drafts]
        names = [
            request.request_id
            for message in messages
            if isinstance(message, events_pb2.PredictionBatch)
            for request in message.requests
        ]
        found = [self._waiting.pop(name, None) for name in names]
        return [context for context in found if context is not None]
