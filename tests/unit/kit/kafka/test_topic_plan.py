"""What `fairlead events setup` does to a topic."""

from __future__ import annotations

from datetime import timedelta

from fairlead.kit.events.kafka.topic_plan import FoundTopic, plan_topic
from fairlead.kit.events.topics import TopicSpec

DAY_MS = 86_400_000
SPEC = TopicSpec("fairlead.tasks", 6, timedelta(days=7))


def test_a_missing_topic_is_made_as_declared() -> None:
    plan = plan_topic(SPEC, None)

    assert (plan.make, plan.set_retention, plan.partitions, plan.retention_ms) == (True, False, 6, 7 * DAY_MS)
    assert plan.note == "made"


def test_a_topic_as_declared_is_left_alone() -> None:
    plan = plan_topic(SPEC, FoundTopic(6, 7 * DAY_MS))

    assert (plan.make, plan.set_retention, plan.note) == (False, False, "was there")


def test_another_retention_is_set_and_told() -> None:
    plan = plan_topic(SPEC, FoundTopic(6, DAY_MS))

    assert (plan.make, plan.set_retention) == (False, True)
    assert plan.note == "retention was 1 d, is 7 d now"


def test_a_retention_without_end_is_told_as_such() -> None:
    assert plan_topic(SPEC, FoundTopic(6, -1)).note == "retention was without end, is 7 d now"


def test_partitions_are_told_and_never_changed() -> None:
    plan = plan_topic(SPEC, FoundTopic(3, 7 * DAY_MS))

    assert (plan.make, plan.set_retention, plan.partitions) == (False, False, 3)
    assert plan.note == "has 3 partitions, 6 are declared: left as it is, as keys would move"
