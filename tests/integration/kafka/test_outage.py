"""Publishing and consuming while the broker is away: nothing accepted is lost, each key keeps its order."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.errors import FailedPrecondition, Unavailable
from fairlead.kit.events import EventLog, SpoolLimits, open_event_log
from fairlead.kit.events.kafka.producing import DELIVERY_TIMEOUT_MS
from fairlead.kit.events.spool.queue import SpoolQueue
from tests.integration.kafka.topics import make_topic, numbers, publish
from tests.servers.kafka import KafkaBroker
from tests.waiting import until

# Publishes numbers for ever, each told once publish has returned.
SERVICE = """
import itertools, sys
from pathlib import Path
from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import SpoolLimits, open_event_log
from fairlead.kit.logging import configure_logging
configure_logging("test")
url, spool, topic, key = sys.argv[1:]
log = open_event_log(url, source="test", spool=SpoolLimits(Path(spool)))
for number in itertools.count():
    log.publish(topic, key, AuditEntry(action=str(number)))
    print(number, flush=True)
"""


@pytest.fixture
def spool(tmp_path: Path) -> SpoolLimits:
    return SpoolLimits(tmp_path / "spool" / "serving.db")


@pytest.fixture
def topic(kafka_broker: KafkaBroker, topic_prefix: str) -> str:
    return make_topic(kafka_broker.bootstrap, topic_prefix)


@pytest.fixture
def log(kafka_broker: KafkaBroker, spool: SpoolLimits) -> Iterator[EventLog]:
    log = open_event_log(f"kafka://{kafka_broker.bootstrap}", source="test", spool=spool)
    yield log
    log.close()


def is_empty(spool: SpoolLimits) -> bool:
    queue = SpoolQueue(spool)
    try:
        return not queue.waiting()
    finally:
        queue.close()


def test_events_wait_on_disk_while_the_broker_is_down_and_follow_in_order(
    kafka_broker: KafkaBroker, topic: str, log: EventLog, spool: SpoolLimits
) -> None:
    keys = [f"key-{number}" for number in range(8)]

    def work(key: str) -> None:
        for number in range(300):
            publish(log, topic, key, number)

    with ThreadPoolExecutor(len(keys)) as pool:
        working = [pool.submit(work, key) for key in keys]
        until(lambda: any(list(log.replay(topic, key=key)) for key in keys), "the first event")
        kafka_broker.kill()
        until(lambda: not is_empty(spool), "an event on disk")
        kafka_broker.start()
        for done in working:
            done.result()
    until(lambda: is_empty(spool), "an empty spool")

    events = list(log.replay(topic))
    assert {key: numbers(events, key) for key in keys} == {key: list(range(300)) for key in keys}


def test_once_the_broker_is_known_to_be_down_publishing_waits_for_it_no_more(
    kafka_broker: KafkaBroker, topic: str, log: EventLog, topic_prefix: str
) -> None:
    other = make_topic(kafka_broker.bootstrap, f"{topic_prefix}-other")
    kafka_broker.kill()
    publish(log, topic, "key", 0)

    began = time.monotonic()
    for number in range(100):
        publish(log, topic, "key", number)
        publish(log, other, "key", number)

    # Each attempt takes as long as a broker is given to answer; there were not even ten for two hundred events.
    assert time.monotonic() - began < 10 * DELIVERY_TIMEOUT_MS / 1000


def test_reading_says_that_the_broker_is_down_and_goes_on_when_it_is_back(
    kafka_broker: KafkaBroker, topic: str, log: EventLog
) -> None:
    publish(log, topic, "key", 1)
    with log.subscribe([topic], "group") as subscription:
        until(lambda: bool(subscription.poll()), "the first event")
        kafka_broker.kill()

        assert subscription.poll(timeout=0.1) == []
        with pytest.raises(Unavailable, match=kafka_broker.bootstrap):
            log.end_position(topic, "key")
        with pytest.raises(Unavailable, match=kafka_broker.bootstrap):
            log.replay(topic, key="key")
        with pytest.raises(Unavailable, match="commit"):
            subscription.commit()

        kafka_broker.start()
        publish(log, topic, "key", 2)
        came: list[int] = []
        until(lambda: bool(came.extend(numbers(subscription.poll(), "key")) or 2 in came), "the next event")
        subscription.commit()
    assert numbers(log.replay(topic, key="key"), "key") == [1, 2]


def test_a_service_killed_while_the_broker_is_down_loses_nothing_it_accepted(
    kafka_broker: KafkaBroker, topic: str, spool: SpoolLimits
) -> None:
    url = f"kafka://{kafka_broker.bootstrap}"
    program = [sys.executable, "-c", SERVICE, url, str(spool.path), topic, "key"]
    service = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert service.stdout is not None
    accepted = [int(service.stdout.readline()) for _ in range(5)]
    kafka_broker.kill()
    until(lambda: not is_empty(spool), "an event on disk")
    accepted += [int(service.stdout.readline()) for _ in range(200)]
    service.kill()
    accepted += [int(line) for line in service.stdout.read().splitlines()]
    service.wait()
    service.stdout.close()

    kafka_broker.start()
    # The next process of the service finds the spool and empties it.
    successor = open_event_log(url, source="test", spool=spool)
    until(lambda: is_empty(spool), "an empty spool")
    found = numbers(successor.replay(topic), "key")
    successor.close()

    assert accepted == list(range(len(accepted)))
    # The one that was on its way when the service died may be there as well.
    assert found[: len(accepted)] == accepted and len(found) <= len(accepted) + 1


def test_an_event_that_kafka_refuses_when_it_is_back_is_kept_and_holds_up_no_other(
    kafka_broker: KafkaBroker, topic: str, log: EventLog, spool: SpoolLimits
) -> None:
    kafka_broker.kill()
    publish(log, topic, "key", 0)
    # Below our own limit, and over that of a topic that `fairlead events setup` has not seen.
    log.publish(topic, "key", AuditEntry(action=os.urandom(1_500_000).hex()), id="too-large")
    publish(log, topic, "key", 1)

    kafka_broker.start()
    until(lambda: is_empty(spool), "an empty spool")

    assert numbers(log.replay(topic), "key") == [0, 1]
    queue = SpoolQueue(spool)
    ((refused, reason),) = queue.refused()
    queue.close()
    assert (refused.topic, refused.envelope.id) == (topic, "too-large")
    assert "max.message.bytes" in reason
    assert REGISTRY.get_sample_value("fairlead_events_spool_refused_total", {"topic": topic}) == 1


def test_without_a_spool_publishing_fails_within_seconds_and_says_where_and_what_to_do(
    kafka_broker: KafkaBroker, topic: str
) -> None:
    log = open_event_log(f"kafka://{kafka_broker.bootstrap}", source="test")
    publish(log, topic, "key", 1)
    kafka_broker.kill()

    with pytest.raises(Unavailable, match=f"{kafka_broker.bootstrap}.*see that a broker runs there") as caught:
        publish(log, topic, "key", 2)
    assert caught.value.retry_after

    kafka_broker.start()
    publish(log, topic, "key", 2)
    assert numbers(log.replay(topic, key="key"), "key") == [1, 2]
    log.close()


def test_a_missing_topic_is_told_and_not_waited_for(kafka_broker: KafkaBroker, log: EventLog) -> None:
    with pytest.raises(FailedPrecondition, match="fairlead events setup"):
        log.publish("no-such-topic", "key", AuditEntry())
    with pytest.raises(FailedPrecondition, match="fairlead events setup"):
        log.replay("no-such-topic")
    with log.subscribe(["no-such-topic"], "group") as subscription, pytest.raises(FailedPrecondition):
        subscription.poll()
