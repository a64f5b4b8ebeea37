"""What a member of a consumer group gets."""

from __future__ import annotations

import threading

import pytest

from fairlead.kit.errors import FailedPrecondition, InvalidArgument
from fairlead.kit.events import EventLog

from .reading import numbers, publish, rest, said, spread, take
from .stores import Store


def test_a_new_group_starts_at_the_oldest_event(log: EventLog, topic: str) -> None:
    spread(log, topic, range(50))
    with log.subscribe([topic], "g-" + topic) as subscription:
        assert sorted(numbers(take(subscription, 50))) == list(range(50))
        assert rest(subscription) == []


def test_each_poll_goes_on_where_the_last_ended_committed_or_not(log: EventLog, topic: str) -> None:
    publish(log, topic, "a1", "a2", "a3")
    with log.subscribe([topic], "g-" + topic) as subscription:
        assert said(take(subscription, 1, max_events=2)) == ["a1", "a2"]
        assert said(take(subscription, 1, max_events=2)) == ["a3"]
        assert rest(subscription) == []


def test_a_group_goes_on_after_what_it_committed_in_another_process_life(store: Store, topic: str) -> None:
    log = store.open()
    spread(log, topic, range(40))
    with log.subscribe([topic], "g-" + topic) as subscription:
        take(subscription, 40)
        subscription.commit()
    log.close()
    again = store.open()
    spread(again, topic, range(40, 60))
    with again.subscribe([topic], "g-" + topic) as subscription:
        assert sorted(numbers(take(subscription, 20) + rest(subscription))) == list(range(40, 60))


def test_a_commit_covers_all_polls_before_it(log: EventLog, topic: str) -> None:
    spread(log, topic, range(40))
    with log.subscribe([topic], "g-" + topic) as first:
        first_half = take(first, 20, max_events=20)
        second_half = take(first, 40 - len(first_half))
        first.commit()
    assert len(first_half + second_half) == 40
    with log.subscribe([topic], "g-" + topic) as second:
        assert rest(second) == []


def test_what_was_not_committed_goes_to_the_next_member(log: EventLog, topic: str) -> None:
    publish(log, topic, "a1", "a2", "a3")
    with log.subscribe([topic], "g-" + topic) as first:
        take(first, 1, max_events=1)
        first.commit()
        take(first, 1, max_events=1)
    with log.subscribe([topic], "g-" + topic) as second:
        assert said(take(second, 2)) == ["a2", "a3"]


def test_an_error_between_poll_and_commit_brings_the_events_again(log: EventLog, topic: str) -> None:
    publish(log, topic, "a1", "a2")
    with pytest.raises(RuntimeError), log.subscribe([topic], "g-" + topic) as first:
        take(first, 2)
        raise RuntimeError("the work failed")
    with log.subscribe([topic], "g-" + topic) as second:
        assert said(take(second, 2)) == ["a1", "a2"]


def test_groups_do_not_see_each_other(log: EventLog, topic: str) -> None:
    publish(log, topic, "a1")
    with log.subscribe([topic], f"one-{topic}") as one, log.subscribe([topic], f"two-{topic}") as two:
        assert said(take(one, 1)) == said(take(two, 1)) == ["a1"]


def test_several_topics_come_through_one_subscription(store: Store, log: EventLog, topic: str) -> None:
    other = store.topic()
    publish(log, topic, "a1", "a2")
    publish(log, other, "b1", "b2")
    with log.subscribe([topic, other], "g-" + topic) as subscription:
        events = take(subscription, 4)
        assert {(event.topic, event.key) for event in events} == {(topic, "a"), (other, "b")}
        assert [each for each in said(events) if each[0] == "a"] == ["a1", "a2"]
        subscription.commit()
    with log.subscribe([other], "g-" + topic) as subscription:
        assert rest(subscription) == []


def test_poll_ends_as_soon_as_an_event_comes(log: EventLog, topic: str) -> None:
    with log.subscribe([topic], "g-" + topic) as subscription:
        assert subscription.poll(timeout=0.0) == []
        threading.Timer(0.5, publish, [log, topic, "a1"]).start()
        assert said(subscription.poll(timeout=60)) == ["a1"]


def test_closing_ends_a_poll_under_way(log: EventLog, topic: str) -> None:
    subscription = log.subscribe([topic], "g-" + topic)
    threading.Timer(0.5, subscription.close).start()
    assert subscription.poll(timeout=60) == []
    with pytest.raises(FailedPrecondition, match="closed"):
        subscription.poll()
    with pytest.raises(FailedPrecondition, match="closed"):
        subscription.commit()
    subscription.close()


def test_closing_the_log_closes_its_subscriptions(store: Store, topic: str) -> None:
    log = store.open()
    subscription = log.subscribe([topic], "g-" + topic)
    log.close()
    with pytest.raises(FailedPrecondition, match="closed"):
        subscription.poll()


@pytest.mark.parametrize(("names", "group"), [([], "group"), ([""], "group"), (["topic"], ""), ("topic", "group")])
def test_a_subscription_needs_topics_and_a_group(log: EventLog, names: list[str], group: str) -> None:
    with pytest.raises(InvalidArgument):
        log.subscribe(names, group)


def test_poll_needs_room_for_an_event(log: EventLog, topic: str) -> None:
    with log.subscribe([topic], "g-" + topic) as subscription, pytest.raises(InvalidArgument):
        subscription.poll(max_events=0)


def test_a_commit_of_nothing_is_no_error(log: EventLog, topic: str) -> None:
    with log.subscribe([topic], "g-" + topic) as subscription:
        subscription.commit()
        subscription.poll(timeout=0.0)
        subscription.commit()
