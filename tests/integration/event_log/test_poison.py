"""What can't be used: it is told apart, put aside with the reason, and holds up nobody."""

from __future__ import annotations

import pytest

from fairlead.api.events.v1.events_pb2 import AuditEntry, DeploymentChanged
from fairlead.kit.errors import InvalidArgument
from fairlead.kit.events import EventLog, topics
from fairlead.kit.tracing import configure_tracing, span

from .reading import entry, publish, rest, take
from .stores import Store

NO_MESSAGE = b"\xff\xfe\x00 not a message"


def test_a_record_of_another_publisher_is_an_event_too(store: Store, log: EventLog, topic: str) -> None:
    store.put_raw(topic, "k", NO_MESSAGE)
    (event,) = log.replay(topic)
    (again,) = log.replay(topic, key="k")
    assert (event.key, event.payload, event.type, event.offset) == ("k", NO_MESSAGE, "", 1)
    assert event.id == again.id == f"{topic}/{event.partition}/1"
    with pytest.raises(InvalidArgument, match="check its type"):
        event.unpack(AuditEntry)


def test_a_rejected_event_is_kept_with_the_reason(log: EventLog, topic: str) -> None:
    configure_tracing("test")
    with span("publish"):
        log.publish(topic, "k", entry("x"), id="stable")
    (event,) = log.replay(topic)
    log.reject(event, "it says 'x':\nnobody — knows why", "drift")
    (dead,) = log.replay(topics.dead_letter(topic))
    assert (dead.key, dead.id, dead.type, dead.source, dead.payload) == (
        "k",
        "stable",
        event.type,
        "test",
        event.payload,
    )
    assert dead.unpack(AuditEntry).action == "x"
    assert dead.headers["traceparent"] == event.headers["traceparent"]
    assert {name: value for name, value in dead.headers.items() if name.startswith("deadletter")} == {
        "deadletterreason": "it says 'x':\nnobody — knows why",
        "deadlettertopic": topic,
        "deadletterpartition": str(event.partition),
        "deadletteroffset": "1",
        "deadlettergroup": "drift",
    }


def test_a_rejected_record_of_another_publisher_keeps_its_bytes(store: Store, log: EventLog, topic: str) -> None:
    store.put_raw(topic, "k", NO_MESSAGE)
    (event,) = log.replay(topic)
    log.reject(event, "no type", "drift")
    log.reject(event, "no type", "drift")
    dead = list(log.replay(topics.dead_letter(topic)))
    assert [(each.key, each.payload, each.type) for each in dead] == [("k", NO_MESSAGE, "")] * 2
    assert {(each.id, each.headers["deadlettergroup"]) for each in dead} == {(event.id, "drift")}, "known by both"


def test_a_reason_that_repeats_a_whole_event_is_cut(log: EventLog, topic: str) -> None:
    publish(log, topic, "k1")
    (event,) = log.replay(topic)
    log.reject(event, "it says " + "x" * 2_000_000, "drift")
    (dead,) = log.replay(topics.dead_letter(topic))
    assert dead.headers["deadletterreason"] == "it says " + "x" * 992


def test_a_group_gets_past_poison(store: Store, log: EventLog, topic: str) -> None:
    publish(log, topic, "k1")
    store.put_raw(topic, "k", NO_MESSAGE)
    log.publish(topic, "k", DeploymentChanged(deleted=True))
    publish(log, topic, "k2")
    group, handled = "g-" + topic, []
    with log.subscribe([topic], group) as subscription:
        for event in take(subscription, 4):
            try:
                handled.append(event.unpack(AuditEntry).action)
            except InvalidArgument as error:
                log.reject(event, error.message, group)
        subscription.commit()
    assert handled == ["k1", "k2"]
    with log.subscribe([topic], group) as successor:
        assert rest(successor) == []
    reasons = [dead.headers["deadletterreason"] for dead in log.replay(topics.dead_letter(topic))]
    assert len(reasons) == 2
    assert "carries a , not a fairlead.api.events.v1.AuditEntry" in reasons[0]
    assert "carries a fairlead.api.events.v1.DeploymentChanged" in reasons[1]


def test_dead_letters_are_consumed_as_any_events(log: EventLog, topic: str) -> None:
    publish(log, topic, "a1", "b1")
    for event in log.replay(topic):
        log.reject(event, "as a test", "drift")
    with log.subscribe([topics.dead_letter(topic)], "mending-" + topic) as subscription:
        assert {event.headers["deadlettertopic"] for event in take(subscription, 2)} == {topic}
        subscription.commit()
