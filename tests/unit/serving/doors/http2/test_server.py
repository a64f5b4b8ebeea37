"""The gRPC door as a whole: how it ends, and how long it keeps those who do nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from services.serving.doors.http2.server import Bounds
from tests import waiting
from tests.unit.serving.doors.http2.caller import STREAM, Caller, framed
from tests.unit.serving.doors.http2.door import Door, house, houses

OK, UNAVAILABLE = 0, 14
NO_ERROR, ENHANCE_YOUR_CALM = 0, 11
EVERY_CALL = 2**31 - 1
TRACEPARENT = ("traceparent", "00-" + "1" * 32 + "-" + "2" * 16 + "-01")

Opens = Callable[..., Door]


@pytest.fixture
def opens(tmp_path: Path) -> Iterator[Opens]:
    doors: list[Door] = []

    def door(**options: Any) -> Door:
        doors.append(Door(tmp_path, **options))
        return doors[-1]

    yield door
    for each in doors:
        each.close()


def goodbye(caller: Caller, count: int = 1) -> None:
    """Return once so many GOAWAYs have come."""
    while len(caller.goaways) < count:
        assert not caller.closed
        caller.read()


def stopping(door: Door) -> Thread:
    thread = Thread(target=door.server.stop)
    thread.start()
    return thread


def test_who_is_there_when_it_ends_is_told_and_answered(door: Door, caller: Caller) -> None:
    slow = caller.ask(house(1, model="p.slow"))
    stream = caller.begin(STREAM)
    waiting.until(lambda: door.houses.slow.asked == 1)
    ending = stopping(door)
    goodbye(caller)
    assert caller.goaways == [(EVERY_CALL, NO_ERROR, b"")]
    # What was on its way is answered, a stream while it is used, and what takes its time.
    late = caller.ask(house(2))
    assert caller.answer(late).prediction == 3
    caller.send(stream, framed(house(3).SerializeToString()))
    while not caller.answers[stream].messages:
        caller.read()
    door.houses.slow.may.set()
    assert caller.answer(slow).prediction == 1
    # Then the stream is owed nothing.
    assert caller.answer(stream).status == OK
    goodbye(caller, 2)
    assert caller.goaways[1] == (late, NO_ERROR, b"")
    caller.until_closed()
    ending.join(30)
    assert not ending.is_alive()


def test_who_comes_when_it_ends_finds_nobody_listening(door: Door, caller: Caller) -> None:
    caller.ask(house(1, model="p.slow"))
    ending = stopping(door)
    goodbye(caller)
    with pytest.raises(ConnectionRefusedError):
        Caller(door.server.port)
    door.houses.slow.may.set()
    ending.join(30)


@pytest.mark.parametrize("path", [STREAM, "/grpc.health.v1.Health/Watch"])
@pytest.mark.parametrize("more", [(), (TRACEPARENT,)], ids=["plain", "traced"])
def test_who_waits_for_nothing_does_not_keep_it(opens: Opens, path: str, more: tuple[tuple[str, str], ...]) -> None:
    door = opens(grace=600.0)
    caller = door.caller()
    number = caller.begin(path, *more)
    message = house(1).SerializeToString() if path == STREAM else b""
    caller.send(number, framed(message), end=path != STREAM)
    while not caller.answers[number].messages:
        caller.read()
    ending = stopping(door)
    assert caller.answer(number).status == (OK if path == STREAM else UNAVAILABLE)
    ending.join(30)
    assert not ending.is_alive()


def test_what_outlasts_its_grace_is_told(opens: Opens) -> None:
    door = opens(grace=0.5)
    caller = door.caller()
    numbers = [
        caller.ask(house(1, model="p.slow")),
        caller.ask(house(1, model="p.slow"), path=STREAM),
    ]
    waiting.until(lambda: door.houses.slow.asked == 2)
    ending = stopping(door)
    for number in numbers:
        answer = caller.answer(number)
        assert (answer.status, answer.message) == (
            UNAVAILABLE,
            "the server is about to end; call again, on another connection",
        )
    caller.until_closed()
    door.houses.slow.may.set()
    ending.join(30)
    assert not ending.is_alive()


def test_a_connection_takes_no_more_calls_at_its_age_and_answers_those_it_has(opens: Opens) -> None:
    door = opens(bounds=Bounds(age=0.2))
    caller = door.caller()
    slow = caller.ask(house(1, model="p.slow"))
    goodbye(caller)
    assert caller.goaways == [(EVERY_CALL, NO_ERROR, b"")]
    # One that was on its way is answered too, and others find the door open.
    assert caller.answer(caller.ask(house(2))).prediction == 3
    other = door.caller()
    assert other.answer(other.ask(house(2))).status == OK
    door.houses.slow.may.set()
    assert caller.answer(slow).prediction == 1
    caller.until_closed()


def test_it_may_end_without_ever_having_been_called(opens: Opens) -> None:
    door = opens()
    silent = socket.create_connection(("127.0.0.1", door.server.port))
    door.server.stop()
    silent.close()


def test_more_connections_than_there_may_be_are_told(opens: Opens) -> None:
    door = opens(bounds=Bounds(connections=2))
    first, second = door.caller(), door.caller()
    for each in (first, second):
        each.round_trip()
    third = door.caller()
    third.until_closed()
    assert third.goaways == [(0, ENHANCE_YOUR_CALM, b"too many connections are open here")]
    assert door.front.refused["connections"] == 1
    first.close()
    waiting.until(lambda: len(door.server.open) == 1)
    fourth = door.caller()
    assert fourth.answer(fourth.ask(house(1))).prediction == 2
    assert second.answer(second.ask(house(1))).prediction == 2


def test_a_connection_without_a_call_is_ended_after_a_while(opens: Opens) -> None:
    door = opens(bounds=Bounds(idle=0.1))
    caller = door.caller()
    stream = caller.begin(STREAM)
    caller.send(stream, framed(house(1).SerializeToString()))
    caller.round_trip()
    idle = door.caller()
    # One that never says anything is one, too.
    silent = socket.create_connection(("127.0.0.1", door.server.port), timeout=30)
    idle.until_closed()
    assert idle.goaways == [(0, NO_ERROR, b"")]
    while silent.recv(1 << 16):
        pass
    silent.close()
    assert caller.answer(caller.ask(house(1))).prediction == 2


def test_a_caller_who_has_calls_and_is_silent_is_asked_whether_it_is_there(opens: Opens) -> None:
    door = opens(bounds=Bounds(silence=0.1, grace=1.5))
    there, gone = door.caller(), door.caller()
    for each in (there, gone):
        each.send(each.begin(STREAM), framed(house(1).SerializeToString()))
    # The one reads, and thereby answers; the other does neither.
    there.socket.settimeout(0.1)
    while len(door.server.open) > 1:
        with suppress(TimeoutError):
            there.read()
    there.socket.settimeout(30)
    number = there.ask(house(3))
    assert there.answer(number).prediction == 4


def test_an_answer_that_is_not_taken_is_given_up(opens: Opens) -> None:
    door = opens(bounds=Bounds(reading=0.1))
    caller = door.caller(window=100, holds=True)
    number = caller.ask(houses(1000))
    assert caller.answer(number).reset == 8
    # The connection itself is of use.
    other = caller.ask(house(1, model="p.none"))
    assert caller.answer(other).status != OK


def test_a_connection_that_is_not_read_is_given_up(opens: Opens) -> None:
    door = opens(bounds=Bounds(reading=0.1), buffers=16 * 1024)
    caller = door.caller(buffers=16 * 1024)
    caller.http.increment_flow_control_window(1 << 28)
    numbers = [caller.begin(STREAM)]
    caller.http.increment_flow_control_window(1 << 28, numbers[0])
    caller.send(numbers[0], framed(houses(60_000).SerializeToString()), end=True)
    waiting.until(lambda: not door.server.open)
    with pytest.raises((ConnectionError, AssertionError)):
        caller.answer(numbers[0])
