"""Alerts of serving, that predictions are not in the log, beside those of drift."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from fairlead.api.drift.v1 import monitor_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.kit.events import Event, topics
from services.drift.adapters import history_store
from services.drift.adapters.metrics import Metrics
from services.drift.consumer import Consumer
from services.drift.domain.severity import Severity
from tests.unit.drift import events as made
from tests.unit.drift.test_intake import LATER, Desk
from tests.waiting import until


@pytest.fixture
def desk(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    desk = Desk(tmp_path, database_url)
    yield desk
    desk.events.close()
    desk.engine.dispose()


def alerts_of(desk: Desk) -> list[monitor_pb2.Alert]:
    """Return the alerts that are stored, newest first."""
    with desk.engine.connect() as connection:
        rows = history_store.list_alerts(connection, made.DEPLOYMENT, 100, 0)
        assert rows == history_store.list_project_alerts(connection, "demo", 100, 0)
    return [monitor_pb2.Alert.FromString(payload) for _, payload in rows]


def told_of(desk: Desk, *alerts: events_pb2.AlertRaised) -> list[Event]:
    events = desk.published(topics.ALERTS, *alerts)
    desk.intake.take_traffic(events)
    return events


def test_an_alert_is_stored_and_counted_and_says_nothing_of_drift(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    told_of(desk, made.not_logged(1234), made.not_logged(5, "2"))
    assert alerts_of(desk) == [made.not_logged(5, "2").alert, made.not_logged(1234).alert]
    assert (desk.monitor().alert_count, desk.monitor().severity) == (2, Severity.OK)


def test_an_alert_that_comes_again_is_stored_once_and_is_not_published_by_drift(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    for _ in range(2):
        desk.events.publish(topics.ALERTS, made.DEPLOYMENT, made.not_logged(7), id="loss-1")
    events = list(desk.events.replay(topics.ALERTS))
    desk.intake.take_traffic(events)
    desk.restart()
    desk.intake.take_traffic(events)
    desk.intake.publish_alerts()
    assert (desk.monitor().alert_count, len(alerts_of(desk))) == (1, 1)
    assert len(list(desk.events.replay(topics.ALERTS))) == 2


def test_alerts_of_drift_that_come_back_change_nothing(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    desk.predicted(*made.batches(made.older(made.sample(LATER, 450, seed=1)), 50))
    desk.intake.take_traffic(list(desk.events.replay(topics.ALERTS)))
    assert (desk.monitor().alert_count, len(alerts_of(desk))) == (1, 1)
    told_of(desk, made.not_logged(3))
    assert (desk.monitor().alert_count, desk.monitor().severity) == (2, Severity.CRITICAL)
    assert [alert.kind for alert in alerts_of(desk)] == [
        monitor_pb2.ALERT_KIND_PREDICTIONS_NOT_LOGGED,
        monitor_pb2.ALERT_KIND_UNSPECIFIED,
    ]


def test_an_alert_of_a_deployment_that_ended_is_left_out(desk: Desk) -> None:
    message = made.deployment(desk.reference())
    desk.changed(message)
    desk.changed(message, deleted=True)
    with capture_logs() as lines:
        told_of(desk, made.not_logged(3))
    assert alerts_of(desk) == []
    assert [(line["log_level"], line["deployment"]) for line in lines] == [("info", made.DEPLOYMENT)]
    assert list(desk.events.replay(topics.dead_letter(topics.ALERTS))) == []


def test_an_alert_that_comes_before_its_deployment_is_kept(desk: Desk) -> None:
    desk.serving.deployments[made.DEPLOYMENT] = made.deployment(desk.reference())
    told_of(desk, made.not_logged(3))
    assert (desk.monitor().alert_count, len(alerts_of(desk))) == (1, 1)


def test_the_newest_alerts_are_kept(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    told_of(desk, *[made.not_logged(rows, str(rows)) for rows in range(1, 8)])
    assert [alert.unlogged_predictions.row_count for alert in alerts_of(desk)] == [7, 6, 5, 4]
    assert desk.monitor().alert_count == 7


@pytest.mark.parametrize(
    ("field", "name"),
    [("deployment", "income"), ("deployment", ""), ("name", "projects/demo/monitors/other/alerts/log-1")],
)
def test_an_alert_with_a_name_that_is_none_goes_to_the_dead_letters(desk: Desk, field: str, name: str) -> None:
    desk.changed(made.deployment(desk.reference()))
    message = made.not_logged(3)
    setattr(message.alert, field, name)
    told_of(desk, message, made.not_logged(4, "2"))
    assert [alert.unlogged_predictions.row_count for alert in alerts_of(desk)] == [4]
    assert len(list(desk.events.replay(topics.dead_letter(topics.ALERTS)))) == 1


def test_the_consumer_follows_the_alerts(desk: Desk) -> None:
    change = events_pb2.DeploymentChanged(deployment=made.deployment(desk.reference()))
    desk.events.publish(topics.DEPLOYMENTS, made.DEPLOYMENT, change)
    desk.events.publish(topics.ALERTS, made.DEPLOYMENT, made.not_logged(9))
    consumer = Consumer(desk.events, desk.intake, Metrics(CollectorRegistry()))
    consumer.start()
    until(lambda: desk.has_monitor() and desk.monitor().alert_count == 1, "the alert")
    consumer.close()
    assert [alert.unlogged_predictions.row_count for alert in alerts_of(desk)] == [9]
    with desk.events.subscribe([topics.ALERTS], "drift") as successor:
        assert successor.poll(timeout=0.2) == []
