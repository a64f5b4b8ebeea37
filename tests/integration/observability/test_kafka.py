"""The dashboard of Kafka on a real broker, there and away: what is taken, what waits on local disk, what is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.auth import TokenVerifier
from fairlead.kit.errors import Unavailable
from fairlead.kit.events import Draft, SpoolLimits, open_event_log
from fairlead.kit.metrics_server import start_metrics_server
from tests.integration.kafka.topics import make_topic
from tests.integration.observability.conftest import filled_in
from tests.integration.observability.prometheus import DASHBOARDS, Prometheus
from tests.servers.kafka import KafkaBroker
from tests.waiting import until

TOKEN = "token-of-the-test"
EVENTS = 10
SPOOL_BYTES = 1_000_000
LARGE = "x" * 400_000


@dataclass(frozen=True)
class Interrupted:
    """What a publisher and consumer of a topic lived through, as Prometheus sees it."""

    prometheus: Prometheus
    topic: str
    group: str


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interrupted]:
    """Events were published and taken, then Kafka went away, and more were published than there is room for."""
    folder = tmp_path_factory.mktemp("kafka")
    metrics = start_metrics_server("127.0.0.1:0", TokenVerifier(TOKEN, ""))
    prometheus = Prometheus.start(tmp_path_factory.mktemp("prometheus"), [f"127.0.0.1:{metrics.port}"], TOKEN)
    with KafkaBroker() as broker:
        topic, group = make_topic(broker.bootstrap, "observed"), "observers"
        log = open_event_log(
            f"kafka://{broker.bootstrap}", source="test", spool=SpoolLimits(folder / "spool.db", SPOOL_BYTES)
        )
        log.publish_many(topic, [Draft("key", AuditEntry(action=str(number))) for number in range(EVENTS)])
        with log.subscribe([topic], group) as subscription:
            taken = 0
            while taken < EVENTS:
                taken += len(subscription.poll())
            subscription.commit()
            broker.kill()
            turned_away = 0
            while not turned_away:
                try:
                    log.publish(topic, "key", AuditEntry(action=LARGE))
                except Unavailable:
                    turned_away += 1
            # How much waits is told at each try to send it.
            told = "fairlead_events_spool_events > 0"
            seen = f"count_over_time(fairlead_events_spool_turned_away_total[1m]) > 2 and on () {told}"
            until(lambda: bool(prometheus.ask(seen)), "what happened, in Prometheus")
            yield Interrupted(prometheus, topic, group)
    log.close()
    prometheus.stop()
    metrics.close()


def test_every_panel_of_events_shows_data(interrupted: Interrupted) -> None:
    panels = [panel for panel in json.loads((DASHBOARDS / "kafka.json").read_text())["panels"] if "targets" in panel]
    exprs = [target["expr"] for panel in panels for target in panel["targets"]]
    # The others are of serving, and in the tests of a running Fairlead.
    asked = [expr for expr in exprs if "fairlead_events" in expr]

    assert len(asked) > 8
    assert [expr for expr in asked if not interrupted.prometheus.ask(filled_in(expr))] == []


def test_what_was_taken_and_what_waits_is_counted(interrupted: Interrupted) -> None:
    labels = f'{{group="{interrupted.group}", topic="{interrupted.topic}"}}'

    def value(expr: str) -> float:
        (found,) = interrupted.prometheus.ask(expr)
        return float(found["value"][1])

    assert value(f"fairlead_events_consumed_total{labels}") == EVENTS
    assert value(f"fairlead_events_consumer_lag{labels}") == 0
    assert value("fairlead_events_spool_events") > 0
    assert value("fairlead_events_spool_bytes") > len(LARGE)
    assert value(f'fairlead_events_spooled_total{{topic="{interrupted.topic}"}}') > 0


def test_events_that_are_turned_away_fire_their_alert(interrupted: Interrupted) -> None:
    fires = f'ALERTS{{alertname="FairleadEventsLost", alertstate="firing", topic="{interrupted.topic}"}}'

    until(lambda: bool(interrupted.prometheus.ask(fires)), "the alert")
