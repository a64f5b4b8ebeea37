"""Windows of HTTP/2, both ways: nobody is sent more than they take, and nobody who is slow holds up another."""

from __future__ import annotations

from pathlib import Path

import h2.settings
import pytest

from fairlead.api.inference.v2 import open_inference_pb2 as pb
from services.serving.doors.http2.protocol import WINDOW_BYTES
from tests.unit.serving.doors.http2.caller import INFER, STREAM, Caller, framed
from tests.unit.serving.doors.http2.door import Door, house, houses

FIRST_WINDOW = 65_535
"""What a connection's window is until it is widened (RFC 9113, 6.9.2)."""


def test_a_call_is_answered_through_a_window_of_a_few_bytes(door: Door) -> None:
    caller = door.caller(window=5, holds=True)
    number = caller.ask(house(2))
    while len(caller.answers[number].data) < 5:
        caller.read()
    caller.round_trip()
    assert len(caller.answers[number].data) == 5
    while not caller.answers[number].ended:
        caller.http.increment_flow_control_window(5, number)
        caller.flush()
        caller.round_trip()
    assert caller.answers[number].prediction == 3


def test_the_window_of_a_connection_is_all_its_calls(door: Door) -> None:
    caller = door.caller(window=1 << 20, holds=True)
    number = caller.ask(houses(20_000))
    while len(caller.answers[number].data) < FIRST_WINDOW:
        caller.read()
    # What needs no window is answered all the same.
    assert caller.answer(caller.begin(token=None)).status == 16
    assert len(caller.answers[number].data) == FIRST_WINDOW
    caller.http.increment_flow_control_window(1 << 20)
    caller.flush()
    (message,) = caller.answer(number).messages
    assert len(pb.ModelInferResponse.FromString(message).raw_output_contents[0]) == 160_000


def test_windows_that_are_changed_midway_hold(door: Door) -> None:
    caller = door.caller(window=100, holds=True)
    caller.http.increment_flow_control_window(1 << 20)
    number = caller.ask(houses(1000))
    while len(caller.answers[number].data) < 100:
        caller.read()
    code = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
    caller.http.update_settings({code: 0})
    caller.flush()
    caller.round_trip()
    caller.http.increment_flow_control_window(60, number)
    caller.flush()
    caller.round_trip()
    # It was 100 below, and is 40 below now.
    assert len(caller.answers[number].data) == 100
    caller.http.update_settings({code: 20_000, h2.settings.SettingCodes.MAX_FRAME_SIZE: 20_000})
    caller.flush()
    assert len(caller.answer(number).messages) == 1


def test_a_large_answer_comes_whole_while_others_are_answered(door: Door, caller: Caller) -> None:
    caller.http.increment_flow_control_window(1 << 28)
    large = caller.ask(houses(60_000))
    small = caller.ask(house(4))
    assert caller.answer(small).prediction == 5
    (message,) = caller.answer(large).messages
    assert len(pb.ModelInferResponse.FromString(message).raw_output_contents[0]) == 480_000


@pytest.mark.parametrize("path", [INFER, STREAM])
def test_who_sends_ahead_of_a_slow_model_is_held_up_alone(door: Door, caller: Caller, path: str) -> None:
    message = framed(house(1, model="p.slow", id="x" * 200_000).SerializeToString())
    if path == INFER:
        numbers = [caller.begin(STREAM, ("traceparent", "00-" + "1" * 32 + "-" + "2" * 16 + "-01"))]
    else:
        numbers = [caller.begin(STREAM)]
    sent = 0
    while caller.http.local_flow_control_window(numbers[0]) > len(message):
        caller.send(numbers[0], message)
        sent += len(message)
        caller.round_trip()
        assert sent < 3 * WINDOW_BYTES, "the caller was not held up"
    assert caller.answer(caller.ask(house(3))).prediction == 4
    door.houses.slow.may.set()
    caller.send(numbers[0], b"", end=True)
    assert len(caller.answer(numbers[0]).messages) == sent // len(message)


def test_who_sends_more_than_a_window_ahead_is_answered_all(caller: Caller) -> None:
    message = framed(house(1, id="x" * 12_000).SerializeToString())
    number = caller.begin(STREAM)
    count = 3 * WINDOW_BYTES // len(message)
    for _ in range(count):
        caller.send(number, message, flush=False)
    caller.send(number, b"", end=True)
    assert len(caller.answer(number).messages) == count


def test_what_was_sent_to_calls_that_ended_counts_no_more(door: Door, caller: Caller) -> None:
    message = framed(house(1, model="p.slow", id="x" * 300_000).SerializeToString())
    for _ in range(5):
        number = caller.begin(STREAM, ("traceparent", "00-" + "1" * 32 + "-" + "2" * 16 + "-01"))
        while caller.http.local_flow_control_window(number) > len(message):
            caller.send(number, message)
            caller.round_trip()
        caller.reset(number)
    caller.round_trip()
    assert caller.http.outbound_flow_control_window > 100 * WINDOW_BYTES
    assert caller.answer(caller.ask(house(3))).prediction == 4


def test_who_reads_nothing_is_read_no_further(tmp_path: Path) -> None:
    door = Door(tmp_path, buffers=16 * 1024)
    try:
        caller = door.caller(buffers=16 * 1024)
        caller.socket.settimeout(2.0)
        numbers = iter(range(1, 2_000_001, 2))
        with pytest.raises(TimeoutError):
            for number in numbers:
                # Its answer repeats what is no time.
                caller.raw(caller.head(number, ("grpc-timeout", f"{number} {'x' * 30}")))
        assert next(numbers) < 20_000
        other = door.caller()
        assert other.answer(other.ask(house(3))).prediction == 4
        received = 0
        while received < 64 * 1024:
            received += len(caller.socket.recv(1 << 16))
    finally:
        door.close()
