"""Feedback as events."""

from __future__ import annotations

import time
from collections.abc import Sequence

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.errors import FairleadError, Unavailable
from fairlead.kit.events import EventLog, topics

from ...domain.feedback import Truth


class EventFeedbackSink:
    """Implements the domain's FeedbackSink."""

    def __init__(self, events: EventLog) -> None:
        self._events = events

    def publish(self, deployment: str, truths: Sequence[Truth]) -> None:
        """Publish the truths as one event, keyed by the deployment. Raises Unavailable."""
        batch = events_pb2.FeedbackBatch(deployment=deployment)
        now = time.time_ns()
        for truth in truths:
            entry = batch.feedbacks.add(request_id=truth.request_id, row=truth.row, value=truth.value)
            entry.time.FromNanoseconds(now)
        try:
            self._events.publish(topics.FEEDBACK, deployment, batch)
        except FairleadError:
            raise
        except Exception as error:
            raise Unavailable("the event log can't take feedback now; send it again", retry_after=2.0) from error
