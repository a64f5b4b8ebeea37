"""A broker is killed twice under 2,000 predictions a second: all are answered, and the log lacks and doubles none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fairlead.kit.events import EventLog, open_event_log
from tests import waiting
from tests.integration.kafka_faults.callers import Callers
from tests.integration.kafka_faults.house import VERSION, WINDOW, Drift, metric, serving_on
from tests.integration.kafka_faults.logged import Logged, logged, out_of_order
from tests.servers.kafka import KafkaBroker

EAST, WEST = "east", "west"
ROWS = 20
PACE = 26.0
"""Requests a second of each of four callers: 2,080 rows a second."""
UP_SECONDS, DOWN_SECONDS = 3.0, 3.0
CATCHES_UP_WITHIN = 120.0


@dataclass(frozen=True)
class Outage:
    """What callers were answered, and what there is of it in the log and in the monitors."""

    callers: Callers
    logs: dict[str, Logged]
    drift: Drift
    dropped_rows: float


def name_of(deployment: str) -> str:
    return f"projects/p/deployments/{deployment}"


def complete(log: EventLog, callers: Callers) -> bool:
    return all(set(callers.answered(name)) <= set(logged(log, name_of(name)).ids) for name in (EAST, WEST))


@pytest.fixture(scope="module")
def outage(broker: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outage]:
    folder = tmp_path_factory.mktemp("outage")
    service = serving_on(broker, folder)
    log = open_event_log(f"kafka://{broker.bootstrap}", source="test")
    service.start()
    drift = Drift(service, folder)
    try:
        for name in (EAST, WEST):
            service.deploy(name, VERSION)
        with Callers(service, [EAST, WEST, EAST, WEST], rows=ROWS, pace=PACE) as callers:
            for _ in range(2):
                time.sleep(UP_SECONDS)
                broker.kill()
                time.sleep(DOWN_SECONDS)
                broker.start()
            time.sleep(UP_SECONDS)
        waiting.until(lambda: complete(log, callers), "every answered prediction", CATCHES_UP_WITHIN)
        logs = {name: logged(log, name_of(name)) for name in (EAST, WEST)}
        dropped = sum(
            metric(service, "fairlead_prediction_log_dropped_total", reason=reason)
            for reason in ("drop_oldest", "drop_newest", "disk", "damaged", "refused")
        )
        print(f"\nbroker killed twice, away for {2 * DOWN_SECONDS:.0f} s and its starts: {callers.figures()}")
        for name, found in logs.items():
            print(
                f"{name}: {len(callers.answered(name)):,} requests answered, {len(set(found.ids)):,} in the log in "
                f"{found.events} events, of which {found.repeated_events} came again; requests twice after "
                f"de-duplication: {len(found.repeated_requests)}; out of order: {len(out_of_order(found.ids))}"
            )
        yield Outage(callers, logs, drift, dropped)
    finally:
        drift.close()
        service.close()
        log.close()


def test_every_request_is_answered_without_an_error(outage: Outage) -> None:
    for caller in outage.callers.callers:
        assert (caller.refused, caller.broken) == ([], [])
        assert len(caller.answered) > PACE * UP_SECONDS


def test_every_answered_prediction_is_in_the_log_once_after_de_duplication(outage: Outage) -> None:
    for name, found in outage.logs.items():
        assert sorted(found.ids) == sorted(outage.callers.answered(name))
        assert found.repeated_requests == []
        assert found.rows == ROWS * len(outage.callers.answered(name))
    assert outage.dropped_rows == 0


def test_a_deployments_predictions_keep_the_order_of_their_answers(outage: Outage) -> None:
    for found in outage.logs.values():
        assert len(found.partitions) == 1
        assert out_of_order(found.ids) == []


@pytest.mark.parametrize("deployment", [EAST, WEST])
def test_drift_counts_every_answered_row_once(outage: Outage, deployment: str) -> None:
    rows = ROWS * len(outage.callers.answered(deployment))
    waiting.until(lambda: outage.drift.monitor(deployment).prediction_count >= rows, "drift's count", CATCHES_UP_WITHIN)
    monitor = outage.drift.monitor(deployment)
    print(
        f"\n{deployment}: {rows:,} rows answered, {monitor.prediction_count:,} counted, {monitor.window_count} windows"
    )
    assert (monitor.prediction_count, monitor.window_count) == (rows, rows // WINDOW)
    assert monitor.open_window_rows == rows % WINDOW
