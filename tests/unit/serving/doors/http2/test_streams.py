"""Streams of predictions, and callers who leave in the middle of whatever they asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.api.inference.v2 import open_inference_pb2 as pb
from services.serving.doors.http2.onward import LANES
from tests import waiting
from tests.unit.serving.doors.http2.caller import INFER, SERVICE, STREAM, Answer, Caller, framed, value
from tests.unit.serving.doors.http2.door import Door, house

OK, RESOURCE_EXHAUSTED, INTERNAL = 0, 8, 13
TRACEPARENT = ("traceparent", "00-" + "1" * 32 + "-" + "2" * 16 + "-01")
WATCH = "/grpc.health.v1.Health/Watch"


def sent(request: pb.ModelInferRequest) -> bytes:
    return framed(request.SerializeToString())


def told(answer: Answer) -> list[tuple[str, float | str]]:
    """The ids and the predictions of a stream's answers, or their errors."""
    found = [pb.ModelStreamInferResponse.FromString(message) for message in answer.messages]
    return [(each.infer_response.id, each.error_message or value(each.infer_response)) for each in found]


def test_each_message_is_answered_while_the_stream_stays(caller: Caller) -> None:
    number = caller.begin(STREAM)
    for count in range(1, 4):
        caller.send(number, sent(house(count, id=str(count))))
        while len(caller.answers[number].messages) < count:
            caller.read()
    caller.send(number, b"", end=True)
    assert told(caller.answer(number)) == [("1", 2), ("2", 3), ("3", 4)]
    assert caller.answers[number].status == OK


def test_answers_that_go_at_the_same_time_share_frames(caller: Caller) -> None:
    number = caller.begin(STREAM)
    for count in range(40):
        caller.send(number, sent(house(count, id=str(count))), end=count == 39, flush=False)
    caller.flush()
    answer = caller.answer(number)
    assert told(answer) == [(str(count), count + 1) for count in range(40)]
    assert answer.frames < 10


def test_what_comes_behind_a_message_that_takes_long_is_answered_together_again(
    door: Door, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone: list[bytes] = []
    answered = door.front._answered

    def counted(message: bytes, seconds: float | None) -> bytes:
        alone.append(message)
        return answered(message, seconds)

    monkeypatch.setattr(door.front, "_answered", counted)
    number = caller.begin(STREAM)
    caller.send(number, sent(house(0, model="p.slow", id="slow")))
    waiting.until(lambda: door.houses.slow.asked == 1)
    for count in range(100):
        caller.send(number, sent(house(count, id=str(count))), end=count == 99, flush=False)
    caller.flush()
    door.houses.slow.may.set()

    answer = caller.answer(number)

    assert [id for id, _ in told(answer)] == ["slow", *map(str, range(100))]
    assert len(alone) == 1


def test_a_stream_without_messages_ends_well(caller: Caller) -> None:
    assert caller.answer(caller.begin(STREAM, end=True)).status == OK


def test_answers_come_in_order_whatever_takes_longer(door: Door, caller: Caller) -> None:
    asked = [house(1), house(2, model="p.slow"), house(3), house(4, model="p.none"), house(5), house(666), house(7)]
    number = caller.begin(STREAM)
    for place, request in enumerate(asked):
        request.id = str(place)
        caller.send(number, sent(request), flush=False)
    caller.flush()
    waiting.until(lambda: door.houses.slow.asked == 1)
    caller.round_trip()
    assert told(caller.answers[number]) == [("0", 2)]
    door.houses.slow.may.set()
    caller.send(number, sent(house(8, id="7")), end=True)
    found = told(caller.answer(number))
    assert [id for id, _ in found] == [str(place) for place in range(8)]
    assert [result for _, result in found] == [
        2,
        2,
        4,
        "there is no deployment 'projects/p/deployments/none'",
        6,
        "the service failed on this request; its log has the detail",
        8,
        9,
    ]


@pytest.mark.parametrize("more", [(), (TRACEPARENT,)], ids=["plain", "traced"])
def test_a_message_that_is_none_ends_its_stream(caller: Caller, more: tuple[tuple[str, str], ...]) -> None:
    number = caller.begin(STREAM, *more)
    caller.send(number, sent(house(1)) + framed(b"\xff\xff\xff"))
    answer = caller.answer(number)
    # The code that gRPC's own servers have for it.
    assert answer.status == INTERNAL
    assert told(answer) == [("made-up", 2)]


def test_who_leaves_before_the_answer_is_not_predicted_for(door: Door, caller: Caller) -> None:
    other = door.caller()
    for path in (INFER, STREAM):
        number = caller.ask(house(1, model="p.slow"), path=path, flush=False)
        caller.http.reset_stream(number, 8)
        caller.flush()
        caller.round_trip()
    assert other.answer(other.ask(house(1))).prediction == 2
    assert door.houses.slow.asked == 0


@pytest.mark.parametrize("path", [INFER, STREAM])
def test_who_leaves_while_it_is_predicted_for_costs_nobody_anything(door: Door, caller: Caller, path: str) -> None:
    slow = [caller.ask(house(count, model="p.slow"), path=path) for count in range(3)]
    waiting.until(lambda: door.houses.slow.asked == 3)
    caller.reset(slow[0])
    caller.reset(slow[2])
    assert caller.answer(caller.ask(house(1))).prediction == 2
    door.houses.slow.may.set()
    answer = caller.answer(slow[1])
    assert answer.status == OK
    assert [caller.answers[number].data for number in (slow[0], slow[2])] == [b"", b""]
    waiting.until(lambda: door.onward.calls == 0)


def test_who_leaves_a_stream_gets_nothing_more_of_it(door: Door, caller: Caller) -> None:
    number = caller.begin(STREAM)
    caller.send(number, sent(house(1)))
    while not caller.answers[number].messages:
        caller.read()
    caller.send(number, sent(house(1, model="p.slow")) * 3)
    waiting.until(lambda: door.houses.slow.asked == 1)
    caller.reset(number)
    door.houses.slow.may.set()
    assert caller.answer(caller.ask(house(1))).prediction == 2
    assert len(caller.answers[number].messages) == 1


def test_a_connection_that_is_lost_ends_what_was_asked_on_it(door: Door) -> None:
    leaving = door.caller()
    for path in (INFER, STREAM):
        leaving.ask(house(1, model="p.slow"), TRACEPARENT, path=path)
    leaving.send(leaving.begin(WATCH), framed(b""), end=True)
    waiting.until(lambda: door.onward.calls == 3)
    leaving.close()
    waiting.until(lambda: door.onward.calls == 0)
    caller = door.caller()
    assert caller.answer(caller.ask(house(1), TRACEPARENT)).prediction == 2


def test_a_caller_who_says_goodbye_is_answered_what_it_has_asked(door: Door, caller: Caller) -> None:
    quick = caller.ask(house(1), flush=False)
    slow = caller.ask(house(2, model="p.slow"), flush=False)
    # A GOAWAY of h2's own would be its last word.
    caller.socket.sendall(caller.http.data_to_send() + bytes.fromhex("0000080700000000007fffffff00000000"))
    assert caller.answer(quick).prediction == 2
    door.houses.slow.may.set()
    assert caller.answer(slow).prediction == 2
    other = door.caller()
    assert other.answer(other.ask(house(1))).prediction == 2


@pytest.fixture
def watchers(door: Door) -> Iterator[list[Caller]]:
    callers = [door.caller() for _ in range(3)]
    for each in callers:
        for _ in range(100):
            each.begin(WATCH, token=None, flush=False)
            each.send(max(each.answers), framed(b""), end=True, flush=False)
        each.flush()
        each.round_trip()
    yield callers


def test_many_who_watch_without_a_token_keep_nobody_else_waiting(
    door: Door, caller: Caller, watchers: list[Caller]
) -> None:
    refused = [
        answer
        for each in watchers
        for number in each.answers
        if number % 40 == 1 and (answer := each.answers[number]).ended
    ]
    assert {answer.status for answer in refused} <= {RESOURCE_EXHAUSTED}
    for path in ("/grpc.health.v1.Health/Check", f"{SERVICE}/ServerReady"):
        number = caller.begin(path, token=None)
        caller.send(number, framed(b""), end=True)
        assert caller.answer(number).status == OK
    # What goes on to the general server, too.
    answers = [caller.ask(house(count), TRACEPARENT) for count in range(100)]
    assert [caller.answer(number).prediction for number in answers] == [count + 1 for count in range(100)]


def test_more_calls_than_go_on_are_refused_with_a_time_to_come_back(door: Door) -> None:
    callers = [door.caller() for _ in range(LANES + 1)]
    for each in callers:
        for _ in range(128):
            each.ask(house(1, model="p.slow"), TRACEPARENT, flush=False)
        each.flush()
    for each in callers:
        each.round_trip()
    assert door.onward.calls == LANES * 128
    refused = [answer for each in callers for answer in each.answers.values() if answer.ended]
    assert len(refused) == 128
    assert {(answer.status, answer.retry_after) for answer in refused} == {(RESOURCE_EXHAUSTED, 1.0)}
    assert door.front.refused["calls"] == 128
    # Rows in their plainest form need none of them.
    other = door.caller()
    assert other.answer(other.ask(house(1))).prediction == 2


def test_messages_that_wait_for_a_thread_are_told_of(door: Door, caller: Caller) -> None:
    busy = [door.threads.submit(door.houses.slow.may.wait, 30) for _ in range(4)]
    number = caller.ask(house(1, model="p.slow"), path=STREAM)
    waiting.until(lambda: door.front.queued == 1)
    door.houses.slow.may.set()
    assert [value for _, value in told(caller.answer(number))] == [1]
    assert door.front.queued == 0
    for each in busy:
        each.result()


def test_more_messages_than_threads_can_take_end_their_stream_with_a_time_to_come_back(tmp_path: Path) -> None:
    door = Door(tmp_path, queue_seconds=0.05)
    try:
        busy = [door.threads.submit(door.houses.slow.may.wait, 30) for _ in range(4)]
        first, second = door.caller(), door.caller()
        waits = first.ask(house(1, model="p.slow"), path=STREAM)
        waiting.until(lambda: door.threads.behind() > 0.05)
        refused = second.answer(second.ask(house(1, model="p.slow"), path=STREAM))
        assert refused.status == RESOURCE_EXHAUSTED
        assert refused.retry_after > 0
        door.houses.slow.may.set()
        assert first.answer(waits).status == OK
        for each in busy:
            each.result()
    finally:
        door.close()
