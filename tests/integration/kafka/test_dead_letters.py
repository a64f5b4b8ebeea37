"""Dead letters on a broker with its default limit for one message, 1 MiB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from fairlead.kit.events import Event, EventLog, SpoolLimits, open_event_log, topics
from tests.integration.kafka.topics import make_topic
from tests.waiting import until

# Fits into a message by itself, and not together with why it was rejected.
LARGE = os.urandom(1_048_300)


@pytest.fixture(params=["with a spool", "without"])
def log(request: pytest.FixtureRequest, kafka_bootstrap: str, tmp_path: Path) -> Iterator[EventLog]:
    spool = SpoolLimits(tmp_path / "spool" / "test.db") if request.param == "with a spool" else None
    log = open_event_log(f"kafka://{kafka_bootstrap}", source="test", spool=spool)
    yield log
    log.close()


def test_a_group_gets_past_an_event_whose_dead_letter_is_too_large(
    kafka_bootstrap: str, topic_prefix: str, log: EventLog
) -> None:
    topic = make_topic(kafka_bootstrap, topic_prefix, 1)
    make_topic(kafka_bootstrap, topics.dead_letter(topic), 1)
    producer = KafkaProducer(bootstrap_servers=kafka_bootstrap)
    producer.send(topic, LARGE, key=b"k").get(30)
    producer.close()

    came: list[Event] = []
    with log.subscribe([topic], topic) as subscription:
        until(lambda: bool(came.extend(subscription.poll()) or came), "the event")
        log.reject(came[0], os.urandom(5000).hex(), topic)
        subscription.commit()

    (dead,) = log.replay(topics.dead_letter(topic))
    assert (dead.key, dead.id, dead.payload) == ("k", f"{topic}/0/1", b"")
    assert dead.headers["deadletteromittedbytes"] == str(len(LARGE))
    assert dead.headers["deadletteroffset"] == "1"
    assert len(dead.headers["deadletterreason"]) == 1_000
