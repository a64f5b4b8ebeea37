"""Publishes the events of committed changes, in order, trying again until the event log takes them."""

from __future__ import annotations

import uuid
from threading import Event as Flag
from threading import Lock, Thread

import sqlalchemy as sa

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.events import Draft, EventLog, topics
from fairlead.kit.logging import get_logger

from ..tables import deployment_outbox

RETRY_SECONDS = 2.0

LOG = get_logger("fairlead.serving.outbox")
_EVENTS = uuid.UUID("0c8c1c53-8d1f-4b0e-9b9a-2f3a6d0f8a41")


class Outbox:
    """Events of deployments that are stored and not published yet."""

    def __init__(self, engine: sa.Engine, events: EventLog) -> None:
        self._engine = engine
        self._events = events
        self._lock = Lock()
        self._wanted, self._closing = Flag(), Flag()
        self._thread = Thread(target=self._retry, name="deployment-outbox", daemon=True)
        self._thread.start()

    def add(self, connection: sa.Connection, deployment: str, event: events_pb2.DeploymentChanged) -> None:
        """Store an event in the transaction of the change that it tells of."""
        connection.execute(sa.insert(deployment_outbox).values(deployment=deployment, event=event.SerializeToString()))

    def publish(self) -> bool:
        """Publish what is stored; where the event log is away, leave it to be tried again, and return False."""
        try:
            with self._lock:
                while self._publish_some():
                    pass
        except Exception:
            LOG.exception("the event log is away; events of deployments wait in the database")
            self._wanted.set()
            return False
        return True

    def close(self) -> None:
        """Try no more; what is left is published after the next start."""
        self._closing.set()
        self._wanted.set()
        self._thread.join()

    def _publish_some(self) -> bool:
        query = sa.select(deployment_outbox).order_by(deployment_outbox.c.number).limit(100)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return False
        self._events.publish_many(topics.DEPLOYMENTS, [_draft(row.deployment, row.event) for row in rows])
        # These rows and no others: one with a lower number may have been committed since they were read.
        published = [row.number for row in rows]
        with self._engine.begin() as connection:
            connection.execute(sa.delete(deployment_outbox).where(deployment_outbox.c.number.in_(published)))
        return True

    def _retry(self) -> None:
        while True:
            self._wanted.wait()
            if self._closing.wait(RETRY_SECONDS):
                return
            self._wanted.clear()
            self.publish()


def _draft(deployment: str, event: bytes) -> Draft:
    """Return a stored event to publish. A change has an etag of its own, so published twice it has the same id."""
    changed = events_pb2.DeploymentChanged.FromString(event)
    identity = f"{deployment}/{changed.deployment.etag}/{'deleted' if changed.deleted else 'changed'}"
    return Draft(deployment, changed, str(uuid.uuid5(_EVENTS, identity)))
