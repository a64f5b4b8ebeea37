"""The audit trail: one event for each call that changes something."""

from __future__ import annotations

from datetime import UTC, datetime

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import EventLog, topics

from ..convert import instant

READING = frozenset({"GET", "HEAD", "OPTIONS"})
# Predictions change nothing and are logged as predictions, far too many of them to be audited one by one.
NOT_AUDITED = (":predict", "/infer", "/v2/repository/index")


class AuditTrail:
    """Publishes audit entries."""

    def __init__(self, events: EventLog) -> None:
        self._events = events

    def wants(self, method: str, path: str) -> bool:
        """Return True for a call that changes something."""
        return method not in READING and not path.endswith(NOT_AUDITED)

    def record(self, principal: str, method: str, path: str, request_id: str, status: int) -> None:
        """Publish one entry, durable when this returns. Raises Unavailable."""
        project = _project(path)
        entry = AuditEntry(
            time=instant(datetime.now(UTC)),
            principal=principal,
            action=f"{method} {path}",
            request_id=request_id,
            status=status,
            project=project,
        )
        self._events.publish(topics.AUDIT, project or "-", entry)


def _project(path: str) -> str:
    _, marker, rest = path.partition("/api/v1/projects/")
    return f"projects/{rest.split('/')[0].split(':')[0]}" if marker and rest else ""
