"""Places of a partition that hold no event: what retention took, and what a transaction left behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from fairlead.kit.events import EventLog, open_event_log
from tests.integration.kafka.topics import make_topic, numbers, publish
from tests.waiting import until


@pytest.fixture
def log(kafka_bootstrap: str) -> Iterator[EventLog]:
    log = open_event_log(f"kafka://{kafka_bootstrap}", source="test")
    yield log
    log.close()


@pytest.fixture
def topic(kafka_bootstrap: str, topic_prefix: str) -> str:
    return make_topic(kafka_bootstrap, topic_prefix, 1)


def drop_before(bootstrap: str, topic: str, offset: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.delete_records({TopicPartition(topic, 0): offset})
    admin.close()


def send_in_transaction(bootstrap: str, topic: str, *, commit: bool) -> None:
    """Send a record as part of a transaction, which leaves a mark of its own behind it."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=topic)
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(topic, b"in a transaction", key=b"other")
    producer.flush()
    if commit:
        producer.commit_transaction()
    else:
        producer.abort_transaction()
    producer.close()


def test_a_replay_begins_at_what_is_still_kept(kafka_bootstrap: str, topic: str, log: EventLog) -> None:
    publish(log, topic, "key", *range(10))
    drop_before(kafka_bootstrap, topic, 4)

    assert numbers(log.replay(topic, key="key"), "key") == [4, 5, 6, 7, 8, 9]
    assert numbers(log.replay(topic, key="key", after=2), "key") == [4, 5, 6, 7, 8, 9]
    assert numbers(log.replay(topic, key="key", after=8), "key") == [8, 9]


def test_a_replay_ends_where_nothing_is_kept_any_more(kafka_bootstrap: str, topic: str, log: EventLog) -> None:
    publish(log, topic, "key", *range(10))
    drop_before(kafka_bootstrap, topic, 10)

    assert list(log.replay(topic)) == []
    assert log.end_position(topic, "key").offset == 10


def test_a_group_goes_on_at_what_is_still_kept(kafka_bootstrap: str, topic: str, log: EventLog) -> None:
    publish(log, topic, "key", *range(10))
    came: list[int] = []
    with log.subscribe([topic], topic) as first:
        until(lambda: bool(came.extend(numbers(first.poll(max_events=2), "key")) or len(came) >= 2))
        first.commit()
    drop_before(kafka_bootstrap, topic, 6)

    with log.subscribe([topic], topic) as second:
        until(lambda: bool(came.extend(numbers(second.poll(), "key")) or 9 in came))

    assert came == [0, 1, 6, 7, 8, 9]


@pytest.mark.parametrize(("commit", "others"), [(True, 1), (False, 0)])
def test_the_marks_of_transactions_are_passed_over_and_what_was_given_up_is_not_seen(
    kafka_bootstrap: str, topic: str, log: EventLog, commit: bool, others: int
) -> None:
    publish(log, topic, "key", 1)
    send_in_transaction(kafka_bootstrap, topic, commit=commit)

    events = list(log.replay(topic))
    assert (numbers(events, "key"), len(events)) == ([1], 1 + others)

    publish(log, topic, "key", 2)
    assert numbers(log.replay(topic, key="key"), "key") == [1, 2]
