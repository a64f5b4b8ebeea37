"""A consumer that stops moving is made anew and goes on where the group was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kafka import TopicPartition
from prometheus_client import REGISTRY

from fairlead.kit.events import Event
from fairlead.kit.events.kafka.event_log import KafkaEventLog
from fairlead.kit.events.kafka.options import Cluster
from fairlead.kit.events.kafka.partitions import PartitionTable
from fairlead.kit.events.kafka.subscription import KafkaSubscription
from tests.integration.kafka.topics import make_topic, numbers, publish
from tests.waiting import until


@pytest.fixture
def cluster(kafka_bootstrap: str) -> Cluster:
    return Cluster((kafka_bootstrap,))


@pytest.fixture
def log(cluster: Cluster) -> Iterator[KafkaEventLog]:
    log = KafkaEventLog(cluster, source="test")
    yield log
    log.close()


@pytest.fixture
def subscription(cluster: Cluster, kafka_bootstrap: str, topic_prefix: str) -> Iterator[KafkaSubscription]:
    make_topic(kafka_bootstrap, topic_prefix)
    table = PartitionTable(cluster)
    subscription = KafkaSubscription(cluster, table, [topic_prefix], topic_prefix, lambda _: None, stall_seconds=2.0)
    yield subscription
    subscription.close()
    table.close()


def recreated(group: str) -> float:
    return REGISTRY.get_sample_value("fairlead_events_consumer_recreated_total", {"group": group}) or 0.0


def collect(subscription: KafkaSubscription, events: list[Event], count: int) -> None:
    def enough() -> bool:
        events.extend(subscription.poll(timeout=0.5))
        return len(events) >= count

    until(enough, f"event {count}")


def test_it_goes_on_after_the_committed_events_and_skips_nothing(
    subscription: KafkaSubscription, log: KafkaEventLog, topic_prefix: str
) -> None:
    publish(log, topic_prefix, "key", *range(10))
    before: list[Event] = []
    collect(subscription, before, 10)
    subscription.commit()
    # The client fetches no more from its partitions, as it was seen to do by itself.
    stuck = subscription.members[0].consumer
    assert stuck is not None
    stuck.pause(*stuck.assignment())
    publish(log, topic_prefix, "key", *range(10, 20))

    after: list[Event] = []
    collect(subscription, after, 10)
    subscription.commit()

    assert numbers(after, "key") == list(range(10, 20))
    assert subscription.members[0].consumer is not stuck
    assert recreated(topic_prefix) >= 1


def test_what_was_handed_out_and_not_committed_comes_again(
    subscription: KafkaSubscription, log: KafkaEventLog, topic_prefix: str
) -> None:
    publish(log, topic_prefix, "key", *range(5))
    events: list[Event] = []
    collect(subscription, events, 5)
    stuck = subscription.members[0].consumer
    assert stuck is not None
    stuck.pause(*stuck.assignment())
    publish(log, topic_prefix, "key", 5)

    again: list[Event] = []
    collect(subscription, again, 6)
    subscription.commit()

    assert numbers(again, "key") == [0, 1, 2, 3, 4, 5]


def test_a_partition_that_is_stuck_while_others_are_busy_is_noticed(
    subscription: KafkaSubscription, log: KafkaEventLog, topic_prefix: str
) -> None:
    keys = [f"key-{number}" for number in range(20)]
    partitions = {key: log.end_position(topic_prefix, key).partition for key in keys}
    stuck_key, busy_key = keys[0], next(key for key in keys if partitions[key] != partitions[keys[0]])
    publish(log, topic_prefix, stuck_key, 0)
    events: list[Event] = []
    collect(subscription, events, 1)
    subscription.commit()
    consumer = subscription.members[0].consumer
    assert consumer is not None
    consumer.pause(TopicPartition(topic_prefix, partitions[stuck_key]))
    publish(log, topic_prefix, stuck_key, 1)

    came: list[Event] = []

    def passes() -> bool:
        publish(log, topic_prefix, busy_key, len(came))
        came.extend(subscription.poll(timeout=0.2))
        subscription.commit()
        return numbers(came, stuck_key) == [1]

    until(passes, "the event of the stuck partition")
    assert recreated(topic_prefix) >= 1


def test_an_idle_consumer_is_left_alone(subscription: KafkaSubscription, log: KafkaEventLog, topic_prefix: str) -> None:
    publish(log, topic_prefix, "key", 1)
    events: list[Event] = []
    collect(subscription, events, 1)
    consumer, before = subscription.members[0].consumer, recreated(topic_prefix)

    for _ in range(8):
        assert subscription.poll(timeout=0.5) == []

    assert subscription.members[0].consumer is consumer
    assert recreated(topic_prefix) == before
