"""Events into the database: each poll's events, and the note that they were taken, are one transaction."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from opentelemetry.trace import SpanKind
from sqlalchemy import Connection, Engine

from fairlead.api.drift.v1 import monitor_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.api.serving.v1 import deployment_pb2
from fairlead.kit.errors import InvalidArgument, Unavailable
from fairlead.kit.events import Draft, Event, EventLog, topics
from fairlead.kit.logging import get_logger
from fairlead.kit.tracing import extract, span

from .adapters import consumed_store, history_store, request_store
from .adapters.metrics import Metrics
from .adapters.monitor_store import find_monitor
from .adapters.version_store import VersionStore
from .adapters.work import Outcome, Work
from .deployments import Deployments, versions_of
from .feedback import take_feedback
from .predictions import take_predictions
from .settings import DriftSettings
from .unlogged import check_alert, is_of_serving, take_alert

# Predictions of a version that nobody has told of yet hold up the others for so long at most.
HOLD_SECONDS = 30.0
# Rows between two rounds of forgetting old requests.
TRIM_ROWS = 2_000
# Events of a topic between two rounds of forgetting the ids of old ones.
FORGET_EVENTS = 10_000
GROUP = "drift"

Told = events_pb2.DeploymentChanged | events_pb2.PredictionBatch | events_pb2.FeedbackBatch | events_pb2.AlertRaised
MESSAGES: dict[str, type[Told]] = {
    topics.DEPLOYMENTS: events_pb2.DeploymentChanged,
    topics.PREDICTIONS: events_pb2.PredictionBatch,
    topics.FEEDBACK: events_pb2.FeedbackBatch,
    topics.ALERTS: events_pb2.AlertRaised,
}

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
        self._unforgotten: dict[str, int] = {}

    def take_deployments(self, events: Sequence[Event]) -> None:
        """Make, move and end monitors. What can't be read goes to the dead-letter topic."""
        changes, unusable = _unpacked(events)
        with self._engine.begin() as connection:
            Work(connection, self._versions).lock(_deployment(told) for _, told in changes.values())
            fresh = consumed_store.fresh(connection, [event for event, _ in changes.values()])
            for event in fresh:
                _, change = changes[_key(event)]
                assert isinstance(change, events_pb2.DeploymentChanged)
                with span("drift.deployment", extract(event.headers), kind=SpanKind.CONSUMER):
                    if change.deleted:
                        self._deployments.end(connection, change.deployment)
                    else:
                        self._deployments.follow(connection, change.deployment)
            self._remember(connection, fresh)
        for event, reason in unusable:
            self.reject(event, reason)

    def take_traffic(self, events: Sequence[Event]) -> None:
        """Count predictions, feedback and the alerts of serving in, then publish the alerts that this raised.

        What can't be used goes to the dead-letter topic. Raises Unavailable where predictions came of a version that
        is not known yet: nothing is taken then, and the events are to come again.
        """
        batches, refused = _unpacked(events)
        self._learn_versions([batch for _, batch in batches.values() if isinstance(batch, events_pb2.PredictionBatch)])
        self._learn_monitors(
            [_deployment(told) for _, told in batches.values() if isinstance(told, events_pb2.AlertRaised)]
        )
        taken: list[Event] = []
        with self._engine.begin() as connection:
            work = Work(connection, self._versions)
            # Before anything is read: another process may be at the same deployments.
            work.lock(_deployment(told) for _, told in batches.values())
            for event in consumed_store.fresh(connection, [event for event, _ in batches.values()]):
                try:
                    self._take(work, event, batches[_key(event)][1])
                    taken.append(event)
                except InvalidArgument as error:
                    refused.append((event, error.message))
            work.save()
            self._remember(connection, taken)
            self._trim(work)
        self._metrics.count(work.outcome)
        for event, reason in refused:
            self.reject(event, reason)
        self.publish_alerts()

    def reject(self, event: Event, reason: str) -> None:
        """Put an event that can't be used on its topic's dead-letter topic, and count it. Raises Unavailable."""
        self._events.reject(event, reason, GROUP)
        place = f"{event.partition}/{event.offset}"
        _log.error("an event can't be used; it is on the dead-letter topic", topic=event.topic, place=place, why=reason)
        outcome = Outcome()
        outcome.skip("unreadable")
        self._metrics.count(outcome)

    def publish_alerts(self) -> None:
        """Publish the alerts that were stored and not published yet, oldest first."""
        with self._engine.connect() as connection:
            waiting = history_store.unpublished_alerts(connection)
        if not waiting:
            return
        alerts = [(name, monitor_pb2.Alert.FromString(payload)) for _, name, payload in waiting]
        # A crash before the next transaction repeats them, under the same ids.
        drafts = [Draft(name, events_pb2.AlertRaised(alert=alert), id=alert.name) for name, alert in alerts]
        self._events.publish_many(topics.ALERTS, drafts)
        with self._engine.begin() as connection:
            history_store.mark_published(connection, [sequence for sequence, _, _ in waiting])
        for name, alert in alerts:
            _log.warning("an alert was raised", deployment=name, alert=alert.name, message=alert.message)

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
            if version not in versions_of(deployment):
                self._hold(name, version)

    def _learn_monitors(self, deployments: Sequence[str]) -> None:
        """Ask serving for the deployments that no event has told of yet, as for versions."""
        for name in dict.fromkeys(deployments):
            with self._engine.connect() as connection:
                known = find_monitor(connection, name) is not None
            if not known and (deployment := self._serving.find(name)) is not None:
                with self._engine.begin() as connection:
                    self._deployments.follow(connection, deployment)

    def _hold(self, deployment: str, model_version: str) -> None:
        since = self._unknown_since.setdefault((deployment, model_version), time.monotonic())
        if time.monotonic() - since < HOLD_SECONDS:
            raise Unavailable(f"'{deployment}' predicted with '{model_version}', of which no event has told yet")
        _log.warning("predictions of an unknown version are left out", deployment=deployment, version=model_version)

    def _take(self, work: Work, event: Event, told: Told) -> None:
        with span("drift.traffic", extract(event.headers), kind=SpanKind.CONSUMER):
            if isinstance(told, events_pb2.PredictionBatch):
                take_predictions(work, told, self._now())
            elif isinstance(told, events_pb2.FeedbackBatch):
                take_feedback(work, told, self._settings.drift_early_truths)
            elif isinstance(told, events_pb2.AlertRaised):
                take_alert(work, told.alert, self._settings.drift_reports_kept)

    def _remember(self, connection: Connection, events: Sequence[Event]) -> None:
        consumed_store.remember(connection, events)
        for topic, count in Counter(event.topic for event in events).items():
            self._unforgotten[topic] = self._unforgotten.get(topic, FORGET_EVENTS) + count
            if self._unforgotten[topic] >= FORGET_EVENTS:
                consumed_store.trim(connection, topic)
                self._unforgotten[topic] = 0

    def _trim(self, work: Work) -> None:
        for deployment in {name for name, _ in work.outcome.windows}:
            history_store.trim(work.connection, deployment, self._settings.drift_reports_kept)
        for deployment, rows in (Counter(work.outcome.predictions) + Counter(work.outcome.shadows)).items():
            untrimmed = self._untrimmed.get(deployment, TRIM_ROWS) + rows
            if untrimmed >= TRIM_ROWS:
                request_store.trim_requests(work.connection, deployment, self._settings.drift_recent_rows)
                untrimmed = 0
            self._untrimmed[deployment] = untrimmed


def _key(event: Event) -> tuple[str, str]:
    return event.topic, event.id


def _deployment(told: Told) -> str:
    if isinstance(told, events_pb2.DeploymentChanged):
        return told.deployment.name
    return told.alert.deployment if isinstance(told, events_pb2.AlertRaised) else told.deployment


def _unpacked(
    events: Sequence[Event],
) -> tuple[dict[tuple[str, str], tuple[Event, Told]], list[tuple[Event, str]]]:
    """Return the readable events and what they tell, by topic and id, in order, and the others with the reason.

    Those others are rejected once the readable ones are stored: what comes again and again meanwhile is not put aside
    each time. The alerts of drift itself are left out.
    """
    unpacked: dict[tuple[str, str], tuple[Event, Told]] = {}
    unusable: list[tuple[Event, str]] = []
    for event in events:
        try:
            told = event.unpack(MESSAGES[event.topic])
            if isinstance(told, events_pb2.AlertRaised):
                if not is_of_serving(told.alert):
                    continue
                check_alert(told.alert)
            unpacked.setdefault(_key(event), (event, told))
        except InvalidArgument as error:
            unusable.append((event, error.message))
    return unpacked, unusable
