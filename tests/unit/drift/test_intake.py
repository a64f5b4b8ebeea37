"""Events into each kind of database and a real log, in process: what comes twice, late, early or broken."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import IntegrityError

from fairlead.api.events.v1 import events_pb2
from fairlead.api.serving.v1 import deployment_pb2
from fairlead.kit import backends
from fairlead.kit.blobs import open_blob_store
from fairlead.kit.database import migrate
from fairlead.kit.errors import Unavailable
from fairlead.kit.events import Draft, Event, open_event_log, topics
from services.drift.__main__ import MIGRATIONS
from services.drift.adapters import consumed_store, history_store, monitor_store
from services.drift.adapters.metrics import Metrics
from services.drift.adapters.newest_reports import restore
from services.drift.adapters.references import BlobReferences
from services.drift.adapters.version_store import VersionStore
from services.drift.deployments import Deployments
from services.drift.domain.monitor import Monitor
from services.drift.domain.severity import Severity
from services.drift.intake import Intake, Told
from services.drift.settings import DriftSettings
from tests.unit.drift import events as made
from tests.unit.drift.capture import Table, take

ADULT = made.adult()
TRAINING = take(ADULT, np.arange(16_000))
LATER = take(ADULT, np.arange(16_000, 32_000))


class Known:
    """What serving would answer."""

    def __init__(self) -> None:
        self.deployments: dict[str, deployment_pb2.Deployment] = {}

    def find(self, deployment: str) -> deployment_pb2.Deployment | None:
        return self.deployments.get(deployment)


class Desk:
    """An intake with all that it stands on."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.settings = DriftSettings(
            home=home,
            database_url=database_url,
            drift_window_rows=200,
            drift_recent_rows=300,
            drift_early_truths=3,
            drift_reports_kept=4,
        )
        self.home = home
        self.engine = backends.database(self.settings)
        migrate(self.engine, MIGRATIONS)
        self.events = open_event_log(self.settings.events_url, source="test")
        self.blobs = open_blob_store(self.settings.blobs_url, home / "cache")
        self.serving = Known()
        self.restart()

    def restart(self) -> None:
        """Begin anew on what is stored, as a new process does."""
        self.registry = CollectorRegistry()
        self.intake = self.new_intake(self.registry)

    def new_intake(self, registry: CollectorRegistry | None = None) -> Intake:
        """Return the intake of another process."""
        versions, metrics = VersionStore(), Metrics(registry or CollectorRegistry())
        restore(self.engine, versions, metrics)
        deployments = Deployments(
            versions,
            BlobReferences(self.blobs),
            self.settings.policy,
            now=lambda: made.NOON,
            reset=metrics.forget,
        )
        return Intake(
            self.engine,
            self.events,
            deployments,
            versions,
            self.serving,
            metrics,
            self.settings,
            now=lambda: made.NOON,
        )

    def reference(self, rows: Table = TRAINING, name: str = "m1") -> str:
        return made.put_reference(self.blobs, self.home / name, f"models/{name}", made.adult_reference(rows))

    def changed(self, deployment: deployment_pb2.Deployment, deleted: bool = False) -> None:
        change = events_pb2.DeploymentChanged(deployment=deployment, deleted=deleted)
        self.intake.take_deployments(self.published(topics.DEPLOYMENTS, change))

    def predicted(self, *batches: events_pb2.PredictionBatch) -> list[Event]:
        events = self.published(topics.PREDICTIONS, *batches)
        self.intake.take_traffic(events)
        return events

    def told(self, **truths: str) -> None:
        named = {name.replace("_", "-"): value for name, value in truths.items()}
        self.intake.take_traffic(self.published(topics.FEEDBACK, made.feedback(named)))

    def published(
        self,
        topic: str,
        *messages: Told,
    ) -> list[Event]:
        before = self.events.end_position(topic, made.DEPLOYMENT).offset
        self.events.publish_many(topic, [Draft(made.DEPLOYMENT, message) for message in messages])
        return list(self.events.replay(topic, after=before))

    def monitor(self) -> Monitor:
        with self.engine.connect() as connection:
            return monitor_store.get_monitor(connection, made.DEPLOYMENT)

    def has_monitor(self) -> bool:
        with self.engine.connect() as connection:
            return monitor_store.find_monitor(connection, made.DEPLOYMENT) is not None

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def desk(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    desk = Desk(tmp_path, database_url)
    yield desk
    desk.events.close()
    desk.engine.dispose()


def test_events_that_come_again_change_nothing(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    rows = made.older(made.sample(LATER, 450, seed=1))
    events = desk.predicted(*made.batches(rows, 50))
    before = desk.monitor()
    assert (before.prediction_count, before.window_count, before.open_window_rows) == (450, 2, 50)
    desk.restart()
    desk.intake.take_traffic(events)
    desk.intake.take_traffic(events[3:])
    assert desk.monitor() == before
    assert len(list(desk.events.replay(topics.ALERTS))) == before.alert_count == 1


def test_a_window_closes_at_its_rows_however_they_are_batched(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    desk.predicted(made.batch(made.sample(LATER, 730, seed=2), request_rows=365))
    monitor = desk.monitor()
    assert (monitor.prediction_count, monitor.window_count, monitor.open_window_rows) == (730, 3, 130)
    assert monitor.last_window_time == made.NOON + timedelta(seconds=1)


def test_a_record_that_was_logged_twice_is_counted_once(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    rows = made.sample(LATER, 60, seed=3)
    desk.predicted(made.batch(take(rows, np.arange(40))))
    desk.predicted(made.batch(rows))
    assert desk.monitor().prediction_count == 60
    desk.predicted(made.batch(rows))
    assert desk.monitor().prediction_count == 60
    assert desk.count("fairlead_drift_skipped_total", reason="repeated") == 1


def test_a_request_id_that_a_client_uses_again_is_another_prediction(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    for second in (0, 1):
        batch = made.batch(made.sample(LATER, 1, seed=4))
        batch.requests[0].time.CopyFrom(Timestamp(seconds=1_800_000_000 + second))
        desk.predicted(batch)
    assert desk.monitor().prediction_count == 2


def test_an_alert_that_was_stored_before_a_crash_is_published_after_it(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    with desk.engine.begin() as connection:
        alert = events_pb2.AlertRaised().alert
        alert.name = f"{made.MONITOR}/alerts/alert-1"
        history_store.add_alert(connection, made.DEPLOYMENT, alert.SerializeToString())
    desk.restart()
    desk.intake.publish_alerts()
    desk.intake.publish_alerts()
    (event,) = desk.events.replay(topics.ALERTS)
    assert event.key == made.DEPLOYMENT
    assert event.unpack(events_pb2.AlertRaised).alert.name == f"{made.MONITOR}/alerts/alert-1"


def test_a_broken_batch_goes_to_the_dead_letters_and_the_rest_is_taken(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    good, broken = made.batch(made.sample(LATER, 10, seed=5)), made.batch(made.sample(LATER, 10, seed=6), first=10)
    broken.inputs[0].numbers.values.append(1.0)
    events = desk.published(topics.PREDICTIONS, broken, good)
    desk.intake.take_traffic([*events, *desk.published(topics.FEEDBACK, good)])
    assert desk.monitor().prediction_count == 10
    assert desk.count("fairlead_drift_skipped_total", reason="unreadable") == 2
    for topic in (topics.PREDICTIONS, topics.FEEDBACK):
        (rejected,) = desk.events.replay(topics.dead_letter(topic))
        assert rejected.headers["deadlettergroup"] == "drift"
    assert "carries a fairlead.api.events.v1.PredictionBatch" in rejected.headers["deadletterreason"]


def test_an_event_that_its_publisher_repeats_is_taken_once(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    batch = made.batch(made.sample(LATER, 10, seed=5))
    batch.requests[0].request_id = "a"
    for _ in range(2):
        desk.events.publish(topics.PREDICTIONS, made.DEPLOYMENT, batch, id="segment-1.0")
    desk.intake.take_traffic(list(desk.events.replay(topics.PREDICTIONS)))
    desk.restart()
    desk.intake.take_traffic(list(desk.events.replay(topics.PREDICTIONS)))
    assert desk.monitor().prediction_count == 10
    assert desk.count("fairlead_drift_skipped_total", reason="repeated") == 0


def test_an_unknown_version_is_learnt_from_serving(desk: Desk) -> None:
    desk.serving.deployments[made.DEPLOYMENT] = made.deployment(desk.reference())
    desk.predicted(made.batch(made.sample(LATER, 10, seed=7)))
    assert desk.monitor().prediction_count == 10


def test_predictions_of_a_deployment_that_ended_are_skipped(desk: Desk) -> None:
    desk.predicted(made.batch(made.sample(LATER, 10, seed=8)))
    assert not desk.has_monitor()
    assert desk.count("fairlead_drift_skipped_total", reason="unknown_version") == 1


def test_predictions_of_a_version_nobody_told_of_are_held_until_somebody_does(desk: Desk) -> None:
    desk.serving.deployments[made.DEPLOYMENT] = made.deployment(desk.reference())
    events = desk.published(topics.PREDICTIONS, made.batch(made.sample(LATER, 10, seed=9), version=made.VERSION_2))
    with pytest.raises(Unavailable, match="versions/2"):
        desk.intake.take_traffic(events)
    assert desk.monitor().prediction_count == 0
    desk.changed(made.deployment(desk.reference(), made.VERSION_2, made.NOON + timedelta(hours=1)))
    desk.intake.take_traffic(events)
    assert desk.monitor().prediction_count == 10


def test_what_can_not_be_read_is_put_aside_once_however_often_its_batch_is_held(desk: Desk) -> None:
    desk.serving.deployments[made.DEPLOYMENT] = made.deployment(desk.reference())
    held = made.batch(made.sample(LATER, 10, seed=9), version=made.VERSION_2)
    # The first is on the wrong topic.
    events = desk.published(topics.PREDICTIONS, made.deployment(desk.reference()), held)
    for _ in range(3):
        with pytest.raises(Unavailable, match="versions/2"):
            desk.intake.take_traffic(events)
    desk.changed(made.deployment(desk.reference(), made.VERSION_2, made.NOON + timedelta(hours=1)))
    desk.intake.take_traffic(events)
    assert len(list(desk.events.replay(topics.dead_letter(topics.PREDICTIONS)))) == 1


def test_late_predictions_of_the_former_version_stay_in_its_own_window(desk: Desk) -> None:
    key = desk.reference()
    desk.changed(made.deployment(key))
    desk.predicted(made.batch(made.sample(LATER, 150, seed=10)))
    desk.changed(made.deployment(key, made.VERSION_2, made.NOON + timedelta(hours=1)))
    desk.predicted(made.batch(made.sample(LATER, 70, seed=11), first=150))
    monitor = desk.monitor()
    assert (monitor.model_version, monitor.window_count, monitor.open_window_rows) == (made.VERSION_2, 1, 0)
    desk.predicted(made.batch(made.sample(LATER, 30, seed=12), first=300, version=made.VERSION_2))
    assert desk.monitor().open_window_rows == 30


def test_news_that_is_older_than_what_is_known_does_not_move_the_monitor(desk: Desk) -> None:
    key, later = desk.reference(), made.NOON + timedelta(hours=1)
    desk.changed(made.deployment(key, made.VERSION_2, later))
    desk.changed(made.deployment(key, made.VERSION_1))
    desk.changed(made.deployment(key, made.VERSION_1), deleted=True)
    assert desk.monitor().model_version == made.VERSION_2
    desk.changed(made.deployment(key, made.VERSION_2, later), deleted=True)
    assert not desk.has_monitor()


def test_a_deployment_that_failed_changes_nothing(desk: Desk) -> None:
    message = made.deployment(desk.reference())
    message.state = deployment_pb2.DEPLOYMENT_STATE_FAILED
    desk.changed(message)
    assert not desk.has_monitor()


@pytest.mark.parametrize("content", [None, "{", '{"columns": [{"name": "x", "edges": [1]}]}'])
def test_without_a_readable_reference_traffic_is_counted_and_not_judged(desk: Desk, content: str | None) -> None:
    folder = desk.home / "package"
    folder.mkdir()
    (folder / ("reference.json" if content else "other.json")).write_text(content or "")
    desk.changed(made.deployment(f"{desk.blobs.put_folder(folder, 'models/m1')}/reference.json"))
    desk.predicted(made.batch(made.sample(LATER, 500, seed=13)))
    monitor = desk.monitor()
    assert (monitor.prediction_count, monitor.window_count, monitor.severity) == (500, 0, Severity.OK)


def test_a_truth_that_is_told_again_is_counted_once_and_a_new_one_replaces_it(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    batch = made.batch(made.sample(LATER, 5, seed=14))
    desk.predicted(batch)
    right = batch.prediction.texts.values[0]
    wrong = made.CLASSES[1 - made.CLASSES.index(right)]
    for truth, accuracy in ((wrong, 0.0), (wrong, 0.0), (right, 1.0)):
        desk.told(request_0=truth)
        assert desk.monitor().feedback_count == 1
        assert desk.monitor().performance["accuracy"] == accuracy


def test_feedback_that_fits_nothing_is_counted_as_skipped(desk: Desk) -> None:
    desk.told(request_0=">50K")
    assert desk.count("fairlead_drift_skipped_total", reason="feedback_without_monitor") == 1
    desk.changed(made.deployment(desk.reference()))
    desk.predicted(made.batch(made.sample(LATER, 1, seed=15)))
    message = made.feedback({"request-0": ">50K"})
    message.feedbacks[0].row = -1
    desk.intake.take_traffic(desk.published(topics.FEEDBACK, message))
    assert desk.count("fairlead_drift_skipped_total", reason="feedback_row_out_of_range") == 1


def test_the_memory_of_predictions_and_of_early_truths_is_bounded(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    desk.told(**{f"request_{number}": ">50K" for number in range(6)})
    desk.predicted(made.batch(made.sample(LATER, 6, seed=16)))
    assert desk.monitor().feedback_count == 3
    desk.predicted(made.batch(made.sample(LATER, 4000, seed=17), first=100, request_rows=10))
    desk.told(request_0=">50K", request_499=">50K")
    assert desk.monitor().feedback_count == 4


def test_the_newest_reports_are_kept(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    desk.predicted(made.batch(made.sample(LATER, 1400, seed=18)))
    with desk.engine.connect() as connection:
        kept = history_store.list_reports(connection, made.DEPLOYMENT, 100, 0)
    assert desk.monitor().window_count == 7
    assert len(kept) == 4


def test_gauges_show_the_newest_window_again_after_a_restart(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    desk.predicted(made.batch(made.older(made.sample(LATER, 200, seed=19))))
    labels = {"deployment": made.DEPLOYMENT, "column": "age", "statistic": "psi"}
    before = desk.count("fairlead_drift_score", **labels)
    assert before > 0.25
    desk.restart()
    assert desk.count("fairlead_drift_score", **labels) == before
    assert desk.count("fairlead_drift_severity", deployment=made.DEPLOYMENT) == Severity.CRITICAL


def test_the_newest_ids_of_each_topic_are_remembered(desk: Desk) -> None:
    events = desk.published(topics.PREDICTIONS, *[events_pb2.PredictionBatch()] * 5)
    others = desk.published(topics.FEEDBACK, events_pb2.FeedbackBatch())
    with desk.engine.begin() as connection:
        assert consumed_store.fresh(connection, [*events, *others, *events]) == [*events, *others]
        consumed_store.remember(connection, [*others, *events])
        assert consumed_store.fresh(connection, [*events, *others]) == []
        assert consumed_store.trim(connection, topics.PREDICTIONS, kept=5) == 0
        assert consumed_store.trim(connection, topics.PREDICTIONS, kept=2) == 3
        assert consumed_store.fresh(connection, [*events, *others]) == events[:3]


def test_a_policy_that_makes_no_sense_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="FAIRLEAD_DRIFT_WINDOWS_TO_ALERT"):
        DriftSettings(home=tmp_path, drift_windows_to_alert=5)


def test_intakes_of_several_processes_lose_no_count(desk: Desk) -> None:
    # The feedback may be far ahead of its predictions.
    desk.settings.drift_early_truths = 1000
    desk.changed(made.deployment(desk.reference()))
    rows = made.sample(LATER, 120, seed=41)
    batches = list(made.batches(rows, 10))
    for number, batch in enumerate(batches):
        for place, request in enumerate(batch.requests):
            request.request_id = f"r-{number}-{place}"
    predictions = desk.published(topics.PREDICTIONS, *batches)
    asked = [request.request_id for batch in batches for request in batch.requests]
    truths = [made.feedback({name: ">50K"}) for name in asked]
    feedback = desk.published(topics.FEEDBACK, *truths)
    # Two have the predictions, as after a rebalance in the midst of it, and another has the feedback.
    shares = [predictions, predictions, feedback]
    at_once = Barrier(len(shares))

    def take_all(events: list[Event]) -> None:
        intake = desk.new_intake()
        at_once.wait()
        for event in events:
            while True:
                try:
                    intake.take_traffic([event])
                    break
                except IntegrityError:
                    # The other was faster: the consumer begins again, and finds it taken.
                    continue

    with ThreadPoolExecutor(len(shares)) as processes:
        list(processes.map(take_all, shares))

    monitor = desk.monitor()
    assert (monitor.prediction_count, monitor.feedback_count) == (120, len(asked))
