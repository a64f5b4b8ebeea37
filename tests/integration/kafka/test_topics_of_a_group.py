"""A group that reads several topics, together or apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairlead.kit.events import EventLog, open_event_log
from tests.integration.kafka.topics import make_topic, numbers, publish
from tests.waiting import until


@pytest.fixture
def log(kafka_bootstrap: str) -> Iterator[EventLog]:
    log = open_event_log(f"kafka://{kafka_bootstrap}", source="test")
    yield log
    log.close()


def test_two_subscriptions_of_one_group_to_different_topics_do_not_get_in_each_other_s_way(
    kafka_bootstrap: str, topic_prefix: str, log: EventLog
) -> None:
    slow, busy, other = (make_topic(kafka_bootstrap, f"{topic_prefix}-{name}") for name in ("slow", "busy", "other"))
    found: dict[str, list[int]] = {slow: [], busy: [], other: []}
    with log.subscribe([slow], topic_prefix) as first, log.subscribe([busy, other], topic_prefix) as second:

        def both() -> bool:
            # As one thread does that serves both: the first is never waited for.
            for subscription, timeout in ((first, 0.0), (second, 0.3)):
                for event in subscription.poll(timeout=timeout):
                    found[event.topic] += numbers([event], "key")
                subscription.commit()
            return all(len(seen) == 3 * part for seen in found.values())

        for part in (1, 2, 3):
            for topic in (slow, busy, other):
                publish(log, topic, "key", *range(3 * part - 3, 3 * part))
            until(both, f"part {part} of all topics")

    assert set(map(tuple, found.values())) == {tuple(range(9))}


def test_what_was_committed_of_a_topic_lasts_when_the_group_reads_others_with_it(
    kafka_bootstrap: str, topic_prefix: str, log: EventLog
) -> None:
    one, two = (make_topic(kafka_bootstrap, f"{topic_prefix}-{name}") for name in ("one", "two"))
    for topic in (one, two):
        publish(log, topic, "key", 1, 2)
    came: list[str] = []
    with log.subscribe([one], topic_prefix) as subscription:
        until(lambda: bool(came.extend(event.topic for event in subscription.poll()) or len(came) == 2))
        subscription.commit()

    later: list[str] = []
    with log.subscribe([one, two], topic_prefix) as subscription:
        until(lambda: bool(later.extend(event.topic for event in subscription.poll()) or len(later) >= 2))
        later += [event.topic for event in subscription.poll()]

    assert later == [two, two]
