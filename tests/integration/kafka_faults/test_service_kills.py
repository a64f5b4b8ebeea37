"""Serving is killed while the broker is away, and its journal published twice: what was answered is in the log once."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

from fairlead.kit.events import open_event_log
from tests import waiting
from tests.integration.kafka_faults.callers import Callers
from tests.integration.kafka_faults.house import VERSION, metric, serving_on
from tests.integration.kafka_faults.logged import logged, out_of_order
from tests.servers.kafka import KafkaBroker

NAME = "projects/p/deployments/killed"
OLDEST = "fairlead_prediction_log_oldest_seconds"
ROWS, PACE, SECONDS = 5, 40.0, 2.0


def test_what_a_killed_service_answered_while_the_broker_was_away_is_not_lost(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    service = serving_on(broker, tmp_path)
    log = open_event_log(f"kafka://{broker.bootstrap}", source="test")
    answered: list[str] = []
    broken: list[str] = []
    try:
        service.start()
        service.deploy("killed", VERSION)
        broker.kill()
        for turn in ("first", "second"):
            with Callers(service, ["killed"] * 2, rows=ROWS, pace=PACE, name=turn) as callers:
                time.sleep(SECONDS)
                service.end(signal.SIGKILL)
            assert [caller.refused for caller in callers.callers] == [[], []]
            answered += callers.answered("killed")
            broken += callers.broken()
            if turn == "first":
                service.start()
        left = tmp_path / "left"
        shutil.copytree(service.settings.spool, left)
        broker.start()
        service.start()
        waiting.until(lambda: metric(service, OLDEST) == 0, "the publication of what was left")
        service.end(signal.SIGTERM)
        once = logged(log, NAME)
        # As it is after a kill between publishing a segment and removing it, only for all segments at once.
        shutil.copytree(left, service.settings.spool, dirs_exist_ok=True)
        service.start()
        waiting.until(lambda: metric(service, OLDEST) == 0, "the repetition")
        service.end(signal.SIGTERM)
        twice = logged(log, NAME)
    finally:
        service.close()
        log.close()
    print(
        f"\nserving killed twice while the broker was away: {len(answered)} requests answered, {len(once.ids)} logged; "
        f"then all segments again: {twice.events} events, of which {twice.repeated_events} repeated"
    )
    assert set(answered) <= set(once.ids)
    # What was kept, and whose answer the kill cut off.
    assert set(once.ids) - set(answered) <= set(broken)
    assert (once.repeated_requests, once.rows) == ([], ROWS * len(once.ids))
    assert out_of_order(once.ids) == []
    assert sorted(twice.ids) == sorted(once.ids)
    assert twice.repeated_events >= once.events - once.repeated_events > 0
