"""What `fairlead events setup` does to a topic."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fairlead.kit.events.kafka.sizes import MAX_BATCH_BYTES, MAX_RECORD_BYTES
from fairlead.kit.events.kafka.topic_plan import FoundTopic, first_settings, plan_topic
from fairlead.kit.events.topics import TopicSpec

DAY_MS = 86_400_000
SPEC = TopicSpec("fairlead.tasks", 6, timedelta(days=7))
AS_DECLARED = FoundTopic(6, 7 * DAY_MS, MAX_BATCH_BYTES, replicas=3, min_in_sync=2)


def test_a_topic_is_made_as_declared() -> None:
    assert first_settings(SPEC) == {
        "retention.ms": str(7 * DAY_MS),
        "max.message.bytes": str(MAX_BATCH_BYTES),
    }
    assert MAX_BATCH_BYTES > MAX_RECORD_BYTES

    plan = plan_topic(SPEC, AS_DECLARED, made=True)

    assert (plan.partitions, plan.retention_ms, plan.settings, plan.note) == (6, 7 * DAY_MS, {}, "made")


def test_a_topic_as_declared_is_left_alone() -> None:
    plan = plan_topic(SPEC, AS_DECLARED, made=False)

    assert (plan.settings, plan.note) == ({}, "was there")


def test_another_retention_is_set_and_told() -> None:
    plan = plan_topic(SPEC, replace(AS_DECLARED, retention_ms=DAY_MS), made=False)

    assert plan.settings == {"retention.ms": str(7 * DAY_MS)}
    assert plan.note == "retention was 1 d, is 7 d now"


def test_a_retention_without_end_is_told_as_such() -> None:
    assert plan_topic(SPEC, replace(AS_DECLARED, retention_ms=-1), made=False).note == (
        "retention was without end, is 7 d now"
    )


def test_partitions_are_told_and_never_changed() -> None:
    plan = plan_topic(SPEC, replace(AS_DECLARED, partitions=3), made=False)

    assert (plan.settings, plan.partitions) == ({}, 3)
    assert plan.note == "has 3 partitions, 6 are declared: left as it is, as keys would move"


def test_a_topic_that_takes_too_little_at_once_is_raised_to_what_an_event_needs() -> None:
    plan = plan_topic(SPEC, replace(AS_DECLARED, max_message_bytes=1_048_588), made=False)

    assert plan.settings == {"max.message.bytes": str(MAX_BATCH_BYTES)}
    assert plan.note == f"max.message.bytes was 1048588, is {MAX_BATCH_BYTES} now"


def test_one_that_takes_more_is_left_so() -> None:
    assert plan_topic(SPEC, replace(AS_DECLARED, max_message_bytes=2 * MAX_BATCH_BYTES), made=False).settings == {}


def test_of_three_replicas_two_must_have_an_event() -> None:
    made = plan_topic(SPEC, replace(AS_DECLARED, min_in_sync=1), made=True)
    found = plan_topic(SPEC, replace(AS_DECLARED, min_in_sync=1), made=False)

    assert made.settings == found.settings == {"min.insync.replicas": "2"}
    assert made.note == "made; min.insync.replicas was 1, is 2 now"


def test_of_fewer_replicas_all_could_be_needed_so_one_is_enough() -> None:
    for replicas in (1, 2):
        assert plan_topic(SPEC, replace(AS_DECLARED, replicas=replicas, min_in_sync=1), made=True).settings == {}


def test_who_wants_more_in_sync_keeps_it() -> None:
    assert plan_topic(SPEC, replace(AS_DECLARED, replicas=5, min_in_sync=3), made=False).settings == {}


def test_other_replicas_than_wanted_are_told_and_never_changed() -> None:
    found = replace(AS_DECLARED, replicas=1, min_in_sync=1)

    plan = plan_topic(SPEC, found, made=False, replication=3)

    assert plan.settings == {}
    assert plan.note.startswith("has 1 replicas, FAIRLEAD_KAFKA_REPLICATION_FACTOR says 3: left as it is")
    assert plan_topic(SPEC, found, made=False).note == "was there", "whatever the brokers say, where nobody says"
