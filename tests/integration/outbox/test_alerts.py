"""An alert that drift has stored is told though the process died, and told once as far as its id goes."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from fairlead.api.drift.v1.monitor_pb2 import Alert
from fairlead.api.events.v1.events_pb2 import AlertRaised
from fairlead.kit.events import topics
from services.drift.adapters import history_store
from tests.unit.drift import events as made
from tests.unit.drift.test_intake import Desk

from .dying import When, spawn


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_alert_is_told_though_its_process_died(tmp_path: Path, database_url: str, when: When) -> None:
    assert spawn("alert", when, tmp_path, database_url).wait(120) == -signal.SIGKILL
    desk = Desk(tmp_path, database_url)
    before = desk.monitor()
    with desk.engine.connect() as connection:
        stored = history_store.list_alerts(connection, made.DEPLOYMENT, 10, 0)
    assert (before.prediction_count, before.alert_count, len(stored)) == (450, 1, 1)
    assert len(list(desk.events.replay(topics.ALERTS))) == (0 if when == "before" else 1)

    # What a restart does: the group gets again what it did not commit, and untold alerts are told.
    desk.intake.publish_alerts()
    desk.intake.take_traffic(list(desk.events.replay(topics.PREDICTIONS)))

    told = list(desk.events.replay(topics.ALERTS))
    assert {event.unpack(AlertRaised).alert.name for event in told} == {event.id for event in told}
    assert {event.id for event in told} == {Alert.FromString(payload).name for _, payload in stored}
    assert desk.monitor() == before, "the predictions were counted once"
    desk.intake.publish_alerts()
    assert len(list(desk.events.replay(topics.ALERTS))) == len(told)
    desk.events.close()
    desk.engine.dispose()
