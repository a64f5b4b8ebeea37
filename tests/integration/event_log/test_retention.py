"""What is too old goes, and a group that was too slow goes on at the oldest event that is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.kafka import KafkaBroker

from .reading import publish, said, take
from .stores import KafkaStore, SqliteStore, Store

AGE_SECONDS = 2.0
# A broker looks for what is too old half a minute after its start at the earliest, if it is not told otherwise.
AT_ONCE = {"log.initial.task.delay.ms": "500"}


@pytest.fixture(params=["sqlite", "kafka"])
def forgetful(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store that keeps events for two seconds."""
    if request.param == "sqlite":
        store = SqliteStore(tmp_path, max_age_seconds=AGE_SECONDS)
        yield store
        store.close()
        return
    age = str(round(AGE_SECONDS * 1000))
    with KafkaBroker({"log.retention.ms": age, "log.retention.check.interval.ms": "500", **AT_ONCE}) as broker:
        kafka = KafkaStore(broker.bootstrap)
        yield kafka
        kafka.close()


def test_old_events_go_and_a_slow_group_goes_on_at_the_oldest_one_kept(forgetful: Store) -> None:
    topic, log = forgetful.topic(), forgetful.open()
    group = "g-" + topic
    publish(log, topic, "a1", "a2", "a3")
    with log.subscribe([topic], group) as subscription:
        take(subscription, 1, max_events=1)
        subscription.commit()
    end = log.end_position(topic, "a")
    log.close()

    fresh, number = forgetful.open(), 4
    deadline = time.monotonic() + 90
    while "a3" in said(fresh.replay(topic, key="a")):
        assert time.monotonic() < deadline, "the old events did not go"
        time.sleep(AGE_SECONDS)
        # The embedded log drops what is too old as something is published, by a log that did not look just now.
        publish(forgetful.open(), topic, f"a{number}")
        number += 1

    assert fresh.end_position(topic, "a").offset == end.offset + number - 4, "offsets go on"
    found: list[str] = []
    with fresh.subscribe([topic], group) as subscription:
        while not found:
            # Again and again, since these go soon too.
            publish(fresh, topic, "a-new")
            found = said(subscription.poll(timeout=1.0))
    assert not {"a1", "a2", "a3"} & set(found)
