"""Publishers and consumers that are killed and stopped: nothing acknowledged is lost, nothing is passed over."""

from __future__ import annotations

from collections import Counter

from fairlead.kit.events import Draft

from .members import child
from .reading import by_key, entry, numbers, publish, rest, said, spread, take
from .stores import Store


def test_killed_publishers_lose_nothing_acknowledged(store: Store, topic: str) -> None:
    acknowledged: dict[str, list[int]] = {}
    for life in range(3):
        key = f"life-{life}"
        with child("publish", store.url, topic, key) as publisher:
            first = [int(publisher.next_line()) for _ in range(20 + 17 * life)]
            acknowledged[key] = first + [int(line) for line in publisher.kill()]
    stored = by_key(store.open().replay(topic))
    for key, told in acknowledged.items():
        assert stored[key] == list(range(len(stored[key]))), "in order, without gaps and repetitions"
        assert stored[key][: len(told)] == told, "everything acknowledged is there"
        assert len(stored[key]) <= len(told) + 1, "at most the one under way is there without acknowledgement"


def test_a_publisher_goes_on_where_the_one_before_it_ended(store: Store, topic: str) -> None:
    first = store.open()
    publish(first, topic, "a1", "a2")
    first.close()
    publish(store.open(), topic, "a3")
    assert said(store.open().replay(topic, key="a")) == ["a1", "a2", "a3"]


def test_a_consumer_that_is_killed_in_the_middle_of_a_batch_skips_nothing(store: Store, topic: str) -> None:
    log, count = store.open(), 20_000  # far more than fits a pipe, so that it is killed halfway on any machine
    spread(log, topic, range(count))
    group = "g-" + topic
    with child("consume", store.url, topic, group, "10") as first:
        assert first.next_line() == "ready"
        told = [first.next_line() for _ in range(36)] + first.kill()
    by_first = [int(line) for line in told]
    with log.subscribe([topic], group) as second:
        events = take(second, count - len(by_first))
        second.commit()
        by_second = numbers(events + rest(second))
    assert set(by_first) | set(by_second) == set(range(count)), "every event was handled"
    repeated = (Counter(by_first) + Counter(by_second)).total() - count
    assert repeated <= 10, "only the last poll, which was not committed, came again"
    assert {key: sorted(found) for key, found in by_key(events).items()} == by_key(events), "still in order"


def test_a_stopped_consumer_can_not_commit_for_its_successor(store: Store, topic: str) -> None:
    log, group = store.open(), "g-" + topic
    log.publish_many(topic, [Draft("k", entry(str(number))) for number in range(5)])
    with child("hold", store.url, topic, group, "5") as first, log.subscribe([topic], group) as second:
        assert [first.next_line() for _ in range(6)] == ["ready", "0", "1", "2", "3", "4"]
        first.stop()
        assert numbers(take(second, 1, max_events=2)) == [0, 1], "what was not committed comes again"
        second.commit()
        first.go_on()
        first.say("commit")
        assert first.next_line() == "committed"
        again = numbers(rest(second))
        second.commit()
        second.close()
        again += [int(line) for line in first.kill()]
    assert set(again) == {2, 3, 4}, "its commit did not pass over what the successor had not handled"


def test_many_processes_publish_and_two_consume(store: Store, topic: str) -> None:
    group, keys = "g-" + topic, [f"p{number}" for number in range(3)]
    with child("consume", store.url, topic, group, "50") as one, child("consume", store.url, topic, group, "50") as two:
        assert (one.next_line(), two.next_line()) == ("ready", "ready")
        for key in keys:
            with child("publish", store.url, topic, key) as publisher:
                for _ in range(100):
                    publisher.next_line()
        log = store.open()
        history = by_key(log.replay(topic))
        count = sum(len(found) for found in history.values())
        with log.subscribe([topic], "w-" + topic) as witness:
            assert by_key(take(witness, count)) == history, "every group gets all, in order"
        handled = Counter(one.kill() + two.kill())
    missing = Counter(str(number) for found in history.values() for number in found) - handled
    with log.subscribe([topic], group) as heir:
        while missing:
            missing -= Counter(said(take(heir, 1)))
