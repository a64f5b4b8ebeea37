"""Events into the database: each poll's events, and the note that they were taken, are one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Engine

from fairlead.api.drift.v1 import monitor_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.api.serving.v1 import deployment_pb2
from fairlead.kit.errors import InvalidArgument, Unavailable
from fairlead.kit.events import Event, EventLog, topics
from fairlead.kit.logging import get_logger
from fairlead.kit.telemetry import extract, span

from .adapters import consumed_store, history_store, request_store
from .adapters.metrics import Metrics
from .adapters.version_store import VersionStore
from .adapters.work import Outcome, Work
from .deployments import Deployments
from .feedback import take_feedback
from .predictions import take_predictions
from .settings import DriftSettings

# Predictions of a version that nobody has told of yet hold up the others for so long at most.
HOLD_SECONDS = 30.0
# Rows between two rounds of forgetting old requests.
TRIM_ROWS = 2_000

_log = get_logger("fairlead.drift.intake")


class Serving(Protocol):
    """Who knows the deployments."""

    def find(self, deployment: str) -> deployment_pb2.Deployment | None:
        """Return the deployment as it is now, None where it ended."""


class Intake:
    """Takes events into the database; what was taken already changes nothing."""

    def __init__(
        self,
        engine: Engine,
        events: EventLog,
        deployments: Deployments,
        versions: VersionStore,
        serving: Serving,
        metrics: Metrics,
        settings: DriftSettings,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._events = events
        self._deployments = deployments
        self._versions = versions
        self._serving = serving
        self._metrics = metrics
        self._settings = settings
        self._now = now
        self._unknown_since: dict[tuple[str, str], float] = {}
        self._untrimmed: dict[str, int] = {}

    def take_deployments(self, events: Sequence[Event]) -> None:
        """Make, move and end monitors."""
        with self._engine.begin() as connection:
            for event in consumed_store.fresh(connection, events):
                with span("drift.deployment", extract(event.headers)):
                    try:
                        change = event.unpack(events_pb2.DeploymentChanged)
                    except InvalidArgument as error:
                        self._skip(event, error)
                        continue
                    if change.deleted:
                        self._deployments.end(connection, change.deployment)
                    else:
                        self._deployments.follow(connection, change.deployment)

    def take_traffic(self, events: Sequence[Event]) -> None:
        """Count predictions and feedback in, then publish the alerts that this raised.

        Raises Unavailable where predictions came of a version that is not known yet: nothing is taken then, and the
        events are to come again.
        """
        batches = self._unpacked(events)
        self._learn_versions([batch for _, batch in batches if isinstance(batch, events_pb2.PredictionBatch)])
        with self._engine.begin() as connection:
            fresh = {(event.topic, event.offset) for event in consumed_store.fresh(connection, events)}
            work = Work(connection, self._versions)
            for event, batch in batches:
                if (event.topic, event.offset) in fresh:
                    self._take(work, event, batch)
            work.save()
            self._trim(work)
        self._metrics.count(work.outcome)
        self.publish_alerts()

    def publish_alerts(self) -> None:
        """Publish the alerts that were stored and not published yet, oldest first."""
        with self._engine.connect() as connection:
            waiting = history_store.unpublished_alerts(connection)
        if not waiting:
            return
        alerts = [(name, monitor_pb2.Alert.FromString(payload)) for _, name, payload in waiting]
        self._events.publish_many(topics.ALERTS, [(name, events_pb2.AlertRaised(alert=a)) for name, a in alerts])
        with self._engine.begin() as connection:
            history_store.mark_published(connection, [sequence for sequence, _, _ in waiting])
        for name, alert in alerts:
            _log.warning("an alert was raised", deployment=name, alert=alert.name, message=alert.message)

    def _unpacked(
        self, events: Sequence[Event]
    ) -> list[tuple[Event, events_pb2.PredictionBatch | events_pb2.FeedbackBatch]]:
        batches: list[tuple[Event, events_pb2.PredictionBatch | events_pb2.FeedbackBatch]] = []
        for event in events:
            try:
                if event.topic == topics.PREDICTIONS:
                    batches.append((event, event.unpack(events_pb2.PredictionBatch)))
                else:
                    batches.append((event, event.unpack(events_pb2.FeedbackBatch)))
            except InvalidArgument as error:
                self._skip(event, error)
        return batches

    def _learn_versions(self, batches: Sequence[events_pb2.PredictionBatch]) -> None:
        """Ask serving for the versions that no event has told of yet: topics are not ordered among each other."""
        for name, version in dict.fromkeys((batch.deployment, batch.model_version) for batch in batches):
            with self._engine.connect() as connection:
                if self._versions.known(connection, name, version):
                    self._unknown_since.pop((name, version), None)
                    continue
            deployment = self._serving.find(name)
            if deployment is None:
                continue
            with self._engine.begin() as connection:
                self._deployments.follow(connection, deployment)
            if deployment.model_version != version:
                self._hold(name, version)

    def _hold(self, deployment: str, model_version: str) -> None:
        since = self._unknown_since.setdefault((deployment, model_version), time.monotonic())
        if time.monotonic() - since < HOLD_SECONDS:
            raise Unavailable(f"'{deployment}' predicted with '{model_version}', of which no event has told yet")
        _log.warning("predictions of an unknown version are left out", deployment=deployment, version=model_version)

    def _take(self, work: Work, event: Event, batch: events_pb2.PredictionBatch | events_pb2.FeedbackBatch) -> None:
        with span("drift.traffic", extract(event.headers)):
            try:
                if isinstance(batch, events_pb2.PredictionBatch):
                    take_predictions(work, batch, self._now())
                else:
                    take_feedback(work, batch, self._settings.drift_early_truths)
            except InvalidArgument as error:
                self._skip(event, error)

    def _trim(self, work: Work) -> None:
        for deployment in {name for name, _ in work.outcome.windows}:
            history_store.trim(work.connection, deployment, self._settings.drift_reports_kept)
        for deployment, rows in work.outcome.predictions.items():
            untrimmed = self._untrimmed.get(deployment, TRIM_ROWS) + rows
            if untrimmed >= TRIM_ROWS:
                request_store.trim_requests(work.connection, deployment, self._settings.drift_recent_rows)
                untrimmed = 0
            self._untrimmed[deployment] = untrimmed

    def _skip(self, event: Event, error: InvalidArgument) -> None:
        _log.warning("an event can't be used", topic=event.topic, offset=event.offset, error=error.message)
        outcome = Outcome()
        outcome.skip("unreadable")
        self._metrics.count(outcome)
