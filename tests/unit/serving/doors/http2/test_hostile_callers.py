"""Bytes that are no calls, and floods: each costs its sender the connection, and nobody else anything."""

from __future__ import annotations

import socket

import pytest
from hyperframe.frame import ContinuationFrame, DataFrame, Frame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame

from services.serving.doors.http2 import front
from services.serving.doors.http2.front import OPEN_BYTES
from services.serving.doors.http2.patience import MOST_STRIKES
from services.serving.doors.http2.protocol import CALLS_OF_A_CONNECTION
from tests.unit.serving.doors.http2.caller import STREAM, Caller, framed
from tests.unit.serving.doors.http2.door import Door, house

NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, ENHANCE_YOUR_CALM = 0, 1, 7, 11
DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED = 4, 8
CHECK, WATCH = "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"


def others_are_answered(door: Door) -> None:
    other = door.caller()
    assert other.answer(other.ask(house(3))).prediction == 4


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
        # A frame of data on no call, padding longer than its frame, settings of half a setting.
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + DataFrame(1, b"data").serialize(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x02\x00\x08\x00\x00\x00\x01\xffa",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x03\x04\x00\x00\x00\x00\x00abc",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HeadersFrame(1, b"\xff" * 40, flags=("END_HEADERS",)).serialize(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + ContinuationFrame(1, b"\x00", flags=("END_HEADERS",)).serialize(),
    ],
    ids=["http/1.1", "tls", "noise", "data of no call", "padding", "settings", "headers", "a continuation of nothing"],
)
def test_what_is_no_http2_ends_its_connection_alone(door: Door, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", door.server.port), timeout=30) as plain:
        plain.sendall(sent)
        while plain.recv(1 << 16):
            pass
    others_are_answered(door)


def test_what_is_asked_before_the_noise_costs_nobody_else_the_answer(door: Door, caller: Caller) -> None:
    waiting = door.caller()
    for _ in range(20):
        broken = door.caller()
        broken.ask(house(1), flush=False)
        number = waiting.ask(house(2), flush=False)
        broken.socket.sendall(broken.http.data_to_send() + b"\xff" * 200)
        waiting.flush()
        assert waiting.answer(number).prediction == 3
        broken.until_closed()
    assert caller.answer(caller.ask(house(3))).prediction == 4


def test_headers_without_an_end_are_read_up_to_a_bound(door: Door, caller: Caller) -> None:
    caller.raw(HeadersFrame(1, b"\x00\x01a\x01b"))
    with pytest.raises(ConnectionError):
        for _ in range(10_000):
            caller.raw(ContinuationFrame(1, b"\x00\x01a\x01b" * 3000))
    others_are_answered(door)


def test_headers_that_are_too_many_end_the_connection(door: Door, caller: Caller) -> None:
    caller.raw(*_in_frames([("x-filling", "y" * 1000)] * 80))
    caller.until_closed()
    # The bytes on the wire are few, and what they stand for is much.
    other = door.caller()
    other.raw(HeadersFrame(1, other.http.encoder.encode([("x", "y" * 3000)]) + b"\xbe" * 100, flags=("END_HEADERS",)))
    other.until_closed()
    assert [code for _, code, _ in other.goaways] == [ENHANCE_YOUR_CALM]
    others_are_answered(door)


@pytest.mark.parametrize("path", [CHECK, WATCH, "/inference.GRPCInferenceService/ServerReady"])
def test_who_has_no_token_sends_messages_of_a_few_bytes(door: Door, caller: Caller, path: str) -> None:
    number = caller.begin(path, token=None)
    caller.send(number, b"\x00" + (OPEN_BYTES + 1).to_bytes(4, "big"))
    answer = caller.answer(number)
    assert (answer.status, answer.message) == (
        RESOURCE_EXHAUSTED,
        "the message has 16385 bytes; at most 16384 bytes are read",
    )
    assert door.onward.calls == 0


@pytest.mark.parametrize("path", [CHECK, WATCH, "/grpc.health.v1.Health/Nothing"])
def test_calls_without_a_token_and_a_message_take_nobodys_place(
    door: Door, caller: Caller, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "OPEN_ARRIVAL_SECONDS", 0.5)
    silent = door.caller()
    numbers = [silent.begin(path, token=None, flush=False) for _ in range(CALLS_OF_A_CONNECTION)]
    for number in numbers[1::2]:
        # One half of a message, and a whole one whose call does not end.
        silent.send(number, framed(b"\x0a\x00")[: -1 if number % 4 == 1 else None], flush=False)
    silent.flush()
    silent.round_trip()
    assert door.onward.calls == 0
    number = caller.begin(CHECK, token=None)
    caller.send(number, framed(b""), end=True)
    assert caller.answer(number).status == NO_ERROR
    # They are not kept either.
    told = {(silent.answer(number).status, silent.answer(number).message) for number in numbers}
    assert told == {(DEADLINE_EXCEEDED, "the message has not come within 0.5 s")}


def test_a_flood_of_pings_ends_the_connection(door: Door, caller: Caller) -> None:
    caller.raw(*[PingFrame(0, b"12345678")] * (MOST_STRIKES // 2))
    caller.round_trip()
    assert caller.answer(caller.ask(house(3))).prediction == 4
    caller.raw(*[PingFrame(0, b"12345678")] * MOST_STRIKES)
    caller.until_closed()
    ((_, code, why),) = caller.goaways
    assert (code, why) == (ENHANCE_YOUR_CALM, b"too many frames that ask for nothing")
    assert door.front.refused["flood"] == 1
    others_are_answered(door)


@pytest.mark.parametrize(
    "frame",
    [SettingsFrame(0, {3: 100}), DataFrame(1), RstStreamFrame(1), SettingsFrame(0, flags=("ACK",))],
    ids=["settings", "empty data", "resets", "acknowledgements"],
)
def test_other_frames_that_ask_for_nothing_are_bounded_too(door: Door, caller: Caller, frame: Frame) -> None:
    caller.begin(STREAM)
    caller.round_trip()
    with pytest.raises(ConnectionError):
        while not caller.closed:
            caller.raw(*[frame] * 100)
            caller.round_trip()
        raise ConnectionError
    others_are_answered(door)


def test_who_pings_for_each_answer_is_a_caller(caller: Caller) -> None:
    for number in range(MOST_STRIKES + 100):
        call = caller.ask(house(number % 100), flush=False)
        caller.http.ping(b"12345678")
        caller.flush()
        assert caller.answer(call).prediction == number % 100 + 1


def test_calls_that_are_begun_and_taken_back_are_bounded(door: Door, caller: Caller) -> None:
    with pytest.raises(ConnectionError):
        for number in range(1, 100_000, 2):
            caller.raw(caller.head(number), RstStreamFrame(number, 8))
        raise ConnectionError
    caller.http.clear_outbound_data_buffer()
    others_are_answered(door)
    assert door.front.refused["flood"] == 1


def test_more_calls_than_there_may_be_are_refused_one_by_one(caller: Caller) -> None:
    begun = [caller.begin(STREAM) for _ in range(CALLS_OF_A_CONNECTION)]
    caller.raw(caller.head(2 * CALLS_OF_A_CONNECTION + 1))
    caller.answers[2 * CALLS_OF_A_CONNECTION + 1] = type(caller.answers[1])()
    caller.http.highest_outbound_stream_id = 2 * CALLS_OF_A_CONNECTION + 1
    caller.round_trip()
    for number in begun:
        caller.send(number, framed(house(number).SerializeToString()), end=True)
    assert [caller.answer(number).status for number in begun] == [0] * CALLS_OF_A_CONNECTION


def test_who_would_remember_every_header_does_not_fill_the_memory(door: Door, caller: Caller) -> None:
    caller.http.update_settings({SettingsFrame.HEADER_TABLE_SIZE: 1 << 24})
    caller.flush()
    caller.round_trip()
    for number in range(300):
        caller.answer(caller.begin("/none", ("grpc-timeout", f"{number} seconds, or {'x' * 20}")))
    assert caller.http.decoder.header_table._current_size <= 4096


def _in_frames(headers: list[tuple[str, str]]) -> list[Frame]:
    block = b"".join(
        b"\x00" + bytes([len(name)]) + name.encode() + b"\x7f" + _rest(len(text) - 127) + text.encode()
        for name, text in headers
    )
    parts = [block[at : at + 16000] for at in range(0, len(block), 16000)]
    frames: list[Frame] = [HeadersFrame(1, parts[0])]
    frames += [ContinuationFrame(1, part) for part in parts[1:-1]]
    return [*frames, ContinuationFrame(1, parts[-1], flags=("END_HEADERS",))]


def _rest(number: int) -> bytes:
    found = b""
    while number >= 128:
        found += bytes([number % 128 + 128])
        number //= 128
    return found + bytes([number])
