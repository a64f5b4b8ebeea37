"""Publishes the events of committed changes, in order, trying again until the event log takes them."""

from __future__ import annotations

from threading import Event as Flag
from threading import Lock, Thread

import sqlalchemy as sa

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.events import Draft, EventLog, topics
from fairlead.kit.logging import get_logger

from .tables import deployment_outbox

RETRY_SECONDS = 2.0

LOG = get_logger("fairlead.serving.outbox")


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
        drafts = [Draft(row.deployment, events_pb2.DeploymentChanged.FromString(row.event)) for row in rows]
        self._events.publish_many(topics.DEPLOYMENTS, drafts)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(deployment_outbox).where(deployment_outbox.c.number <= rows[-1].number))
        return True

    def _retry(self) -> None:
        while True:
            self._wanted.wait()
            if self._closing.wait(RETRY_SECONDS):
                return
            self._wanted.clear()
            self.publish()
