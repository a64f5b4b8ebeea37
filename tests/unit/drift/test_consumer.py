"""The loop that follows the event log, over a real log and each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.events import Draft, topics
from services.drift.adapters.metrics import Metrics
from services.drift.consumer import Consumer
from tests.unit.drift import events as made
from tests.unit.drift.test_intake import LATER, Desk
from tests.waiting import until


@pytest.fixture
def desk(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    desk = Desk(tmp_path, database_url)
    yield desk
    desk.events.close()
    desk.engine.dispose()


def follow(desk: Desk, predictions: int) -> None:
    """Let a consumer follow the log until so many predictions are counted and all of it is committed."""
    consumer = Consumer(desk.events, desk.intake, Metrics(CollectorRegistry()))
    consumer.start()
    until(lambda: desk.has_monitor() and desk.monitor().prediction_count >= predictions, "the predictions")
    consumer.close()


def test_an_event_that_nobody_foresaw_holds_up_no_others(desk: Desk) -> None:
    change = events_pb2.DeploymentChanged(deployment=made.deployment(desk.reference()))
    desk.events.publish(topics.DEPLOYMENTS, made.DEPLOYMENT, change)
    batches = list(made.batches(made.sample(LATER, 150, seed=21), 50))
    batches[1].requests[0].time.seconds = 2**60
    desk.events.publish_many(topics.PREDICTIONS, [Draft(made.DEPLOYMENT, batch) for batch in batches])

    follow(desk, 100)

    assert desk.monitor().prediction_count == 100
    (rejected,) = desk.events.replay(topics.dead_letter(topics.PREDICTIONS))
    assert rejected.headers["deadletteroffset"] == "2"
    assert rejected.headers["deadletterreason"].startswith("ValueError: ")
    assert desk.count("fairlead_drift_skipped_total", reason="unreadable") == 1
    with desk.events.subscribe([topics.PREDICTIONS], "drift") as successor:
        assert successor.poll(timeout=0.2) == [], "the consumer has committed what it took and what it rejected"


def test_a_consumer_that_begins_again_counts_nothing_twice(desk: Desk) -> None:
    change = events_pb2.DeploymentChanged(deployment=made.deployment(desk.reference()))
    desk.events.publish(topics.DEPLOYMENTS, made.DEPLOYMENT, change)
    desk.events.publish(topics.PREDICTIONS, made.DEPLOYMENT, made.batch(made.sample(LATER, 60, seed=22)), id="s-1.0")
    follow(desk, 60)
    desk.restart()
    desk.events.publish(topics.PREDICTIONS, made.DEPLOYMENT, made.batch(made.sample(LATER, 60, seed=22)), id="s-1.0")
    more = made.batch(made.sample(LATER, 10, seed=23), first=60)
    desk.events.publish(topics.PREDICTIONS, made.DEPLOYMENT, more, id="s-1.1")
    follow(desk, 70)
    assert desk.monitor().prediction_count == 70
