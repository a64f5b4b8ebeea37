"""Calls of gRPC as its protocol over HTTP/2 has them: how they begin, what they are told, how they end."""

from __future__ import annotations

import gzip
import zlib
from base64 import b64encode
from pathlib import Path

import pytest

from fairlead.api.inference.v2 import open_inference_pb2 as pb
from services.serving.doors.http2.onward import Way
from services.serving.doors.http2.protocol import ServerProtocol
from services.serving.doors.http2.server import Bounds
from services.serving.doors.open_inference import predictions
from services.serving.doors.open_inference.row import plain_row
from tests import waiting
from tests.unit.serving.doors.http2.caller import INFER, SERVICE, STREAM, Answer, Caller, framed, value
from tests.unit.serving.doors.http2.door import LARGEST, Door, house, houses

OK, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND = 0, 3, 4, 5
RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 8, 12, 13, 14, 16
TRACEPARENT = ("traceparent", "00-" + "1" * 32 + "-" + "2" * 16 + "-01")
METADATA_CALL = f"{SERVICE}/ModelMetadata"


def test_an_answer_is_headers_a_message_and_trailers(caller: Caller) -> None:
    answer = caller.answer(caller.ask(house(2, id="mine")))
    assert answer.headers == {":status": "200", "content-type": "application/grpc"}
    (message,) = answer.messages
    response = pb.ModelInferResponse.FromString(message)
    assert (response.id, response.model_name, response.model_version, value(response)) == ("mine", "p.house", "1", 3)
    assert (answer.trailers, answer.reset) == ({"grpc-status": "0"}, None)


def test_an_error_is_headers_alone(caller: Caller) -> None:
    answer = caller.answer(caller.begin(token=None))
    assert (answer.blocks, answer.messages, answer.status) == (1, [], UNAUTHENTICATED)
    assert answer.trailers[":status"] == "200"
    assert answer.details.code == UNAUTHENTICATED
    assert answer.details.message == answer.message


def test_what_is_no_ascii_is_escaped(caller: Caller) -> None:
    answer = caller.answer(caller.begin(INFER, ("grpc-timeout", "100% grün\t")))
    assert answer.status == INVALID_ARGUMENT
    assert "grpc-message" in answer.trailers
    assert answer.trailers["grpc-message"].isascii()
    assert "100%25" in answer.trailers["grpc-message"]
    assert "is '100% gr" in answer.message
    # It comes through from the general server as well.
    answer = caller.answer(caller.ask(house(1, model="p.größe-100%")))
    assert answer.status in (INVALID_ARGUMENT, NOT_FOUND)
    assert "größe-100%" in answer.message


def test_who_has_no_token_is_told_before_a_message_is_read(caller: Caller) -> None:
    for path in (INFER, STREAM, METADATA_CALL, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"):
        assert caller.answer(caller.begin(path, token=None)).status == UNAUTHENTICATED
        assert caller.answer(caller.begin(path, token="another")).status == UNAUTHENTICATED
    number = caller.begin(f"{SERVICE}/ServerReady", token=None)
    caller.send(number, framed(b""), end=True)
    assert caller.answer(number).status == OK


def test_what_is_no_call_of_grpc_is_told_so_in_http(caller: Caller) -> None:
    headers = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "test")]
    caller.answers[1] = Answer()
    caller.http.send_headers(1, headers, end_stream=True)
    caller.flush()
    assert caller.answer(1).headers == {":status": "415"}


def test_a_method_that_is_none_is_unimplemented(caller: Caller) -> None:
    # Without a message: one under way when the server behind ends the call is gRPC's "Internal error from Core".
    assert caller.answer(caller.begin("/inference.GRPCInferenceService/Nothing", end=True)).status == UNIMPLEMENTED
    assert caller.answer(caller.begin("nothing")).status == UNIMPLEMENTED


@pytest.mark.parametrize("path", [INFER, METADATA_CALL])
def test_a_call_that_ends_without_its_message_is_told(caller: Caller, path: str) -> None:
    assert caller.answer(caller.begin(path, end=True)).status == UNIMPLEMENTED
    number = caller.begin(path)
    caller.send(number, b"", end=True)
    assert caller.answer(number).status == UNIMPLEMENTED


@pytest.mark.parametrize("more", [(), (TRACEPARENT,)], ids=["plain", "traced"])
def test_a_call_that_takes_one_message_takes_no_second(caller: Caller, more: tuple[tuple[str, str], ...]) -> None:
    message = framed(house(1).SerializeToString())
    number = caller.begin(INFER, *more)
    caller.send(number, message + message, end=True)
    answer = caller.answer(number)
    assert (answer.status, answer.messages) == (UNIMPLEMENTED, [])
    assert answer.message == f"{INFER} takes one message, and more have come; send streams to {STREAM}"
    for path in (INFER, METADATA_CALL):
        number = caller.begin(path, *more)
        caller.send(number, message)
        caller.round_trip()
        caller.send(number, message)
        assert caller.answer(number).status == UNIMPLEMENTED


@pytest.mark.parametrize("path", [INFER, STREAM, METADATA_CALL])
def test_a_call_that_ends_within_a_message_is_told(caller: Caller, path: str) -> None:
    number = caller.begin(path)
    caller.send(number, framed(house(1).SerializeToString())[:-3], end=True)
    answer = caller.answer(number)
    assert (answer.status, answer.message) == (INVALID_ARGUMENT, "the call ended within a message")


@pytest.mark.parametrize("size", [1, 3, 50])
def test_a_message_may_come_in_pieces(caller: Caller, size: int) -> None:
    message = framed(house(1).SerializeToString())
    number = caller.begin()
    for at in range(0, len(message), size):
        caller.send(number, message[at : at + size])
        if not at % 4:
            caller.round_trip()
    caller.send(number, b"", end=True)
    assert caller.answer(number).prediction == 2


def test_a_large_message_is_read_whole(caller: Caller) -> None:
    answer = caller.answer(caller.ask(houses(60_000)))
    (message,) = answer.messages
    assert len(pb.ModelInferResponse.FromString(message).raw_output_contents[0]) == 480_000


@pytest.mark.parametrize("path", [INFER, STREAM, METADATA_CALL])
@pytest.mark.parametrize("size", [LARGEST + 1, 2**32 - 1])
def test_a_message_that_is_too_large_is_refused_by_its_length(door: Door, caller: Caller, path: str, size: int) -> None:
    number = caller.begin(path)
    caller.send(number, b"\x00" + size.to_bytes(4, "big"))
    answer = caller.answer(number)
    assert answer.status == RESOURCE_EXHAUSTED
    assert answer.message == f"the message has {size} bytes; at most 1 MB are read"
    # The caller is told to send no more of it.
    assert answer.reset == 0 or answer.ended
    waiting.until(lambda: door.onward.calls == 0)
    assert caller.answer(caller.ask(house(1))).prediction == 2


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
@pytest.mark.parametrize("path", [INFER, STREAM])
def test_compressed_messages_are_read(caller: Caller, encoding: str, compress: object, path: str) -> None:
    assert callable(compress)
    number = caller.begin(path, ("grpc-encoding", encoding))
    # Whether a message is compressed each says itself.
    caller.send(number, framed(compress(house(2).SerializeToString()), compressed=1), end=path == INFER)
    if path == STREAM:
        caller.send(number, framed(house(3).SerializeToString()), end=True)
    answer = caller.answer(number)
    assert answer.status == OK
    if path == INFER:
        assert answer.prediction == 3
    else:
        found = [pb.ModelStreamInferResponse.FromString(message).infer_response for message in answer.messages]
        assert [value(response) for response in found] == [3, 4]


def test_what_can_not_be_decompressed_is_told(caller: Caller) -> None:
    def told(encoding: str, message: bytes) -> tuple[int, str]:
        number = caller.begin(INFER, *([("grpc-encoding", encoding)] if encoding else []))
        caller.send(number, framed(message, compressed=1), end=True)
        answer = caller.answer(number)
        if answer.status == UNIMPLEMENTED:
            assert answer.trailers["grpc-accept-encoding"] == "identity,gzip,deflate"
        return answer.status, answer.message

    message = gzip.compress(house(1).SerializeToString())
    assert told("br", message) == (
        UNIMPLEMENTED,
        "messages of grpc-encoding 'br' are not read; send gzip, deflate or identity",
    )
    assert told("", message)[0] == INTERNAL
    assert told("identity", message)[0] == INTERNAL
    assert told("gzip", message[:-4]) == (INVALID_ARGUMENT, "a message is no valid gzip, as grpc-encoding says it is")
    assert told("gzip", gzip.compress(b"\x00" * (LARGEST + 1))) == (
        RESOURCE_EXHAUSTED,
        "a message has more than 1 MB once it is decompressed",
    )


def test_a_deadline_that_is_over_is_not_predicted_for(door: Door, caller: Caller) -> None:
    door.houses.slow.may.set()
    for timeout in ("0n", "1n"):
        for model in ("p.house", "p.slow"):
            answer = caller.answer(caller.ask(house(1, model=model), ("grpc-timeout", timeout)))
            assert answer.status == DEADLINE_EXCEEDED
    assert door.houses.slow.asked == 0
    assert caller.answer(caller.ask(house(1), ("grpc-timeout", "20S"))).prediction == 2
    assert caller.answer(caller.ask(house(1), ("grpc-timeout", "soon"))).status == INVALID_ARGUMENT


@pytest.mark.parametrize("timeout", ["2562047H", "99999999H"])
@pytest.mark.parametrize("more", [(), (TRACEPARENT,)], ids=["plain", "traced"])
def test_a_deadline_may_be_in_centuries(caller: Caller, timeout: str, more: tuple[tuple[str, str], ...]) -> None:
    answer = caller.answer(caller.ask(house(1), ("grpc-timeout", timeout), *more))
    assert (answer.status, answer.message) == (OK, "")


@pytest.mark.parametrize("path", [INFER, STREAM])
def test_a_caller_that_falls_silent_is_told_when_its_deadline_is_over(caller: Caller, path: str) -> None:
    assert caller.answer(caller.begin(path, ("grpc-timeout", "50m"))).status == DEADLINE_EXCEEDED


def test_a_call_that_is_handed_on_has_the_deadline_that_it_came_with(door: Door, caller: Caller) -> None:
    answer = caller.answer(caller.ask(house(1, model="p.slow"), ("grpc-timeout", "100m")))
    assert answer.status == DEADLINE_EXCEEDED


def test_a_content_length_that_is_wrong_is_of_no_account(caller: Caller) -> None:
    stream = caller.begin(STREAM)
    for length in ("9", "x", "-1", "5, 6"):
        number = caller.ask(house(1), ("content-length", length))
        assert caller.answer(number).prediction == 2
    assert caller.goaways == []
    assert not caller.answers[stream].ended


def test_metadata_may_be_binary_and_come_more_than_once(caller: Caller) -> None:
    more = [
        ("x-any-bin", b64encode(b"\x00\xff").decode().rstrip("=")),
        ("x-any-bin", f"{b64encode(b'a').decode()}, {b64encode(b'bc').decode()}"),
        ("x-request-id", "one"),
        ("x-request-id", "two"),
    ]
    assert caller.answer(caller.ask(house(1), *more)).prediction == 2
    assert caller.answer(caller.ask(house(1), TRACEPARENT, *more)).prediction == 2


@pytest.mark.parametrize(
    "header",
    [("x-any-bin", "no base64!"), ("x-any", "grün"), ("x any", "a")],
    ids=lambda header: header[0],
)
def test_metadata_that_is_none_fails_its_call(door: Door, caller: Caller, header: tuple[str, str]) -> None:
    answer = caller.answer(caller.ask(house(1), TRACEPARENT, header))
    assert answer.status == INVALID_ARGUMENT
    assert door.onward.calls == 0
    assert caller.answer(caller.ask(house(1), TRACEPARENT)).prediction == 2


def test_errors_of_the_general_server_come_with_their_details(caller: Caller) -> None:
    answer = caller.answer(caller.ask(house(1, model="p.none")))
    assert (answer.status, answer.blocks) == (NOT_FOUND, 1)
    assert answer.details.message == answer.message == "there is no deployment 'projects/p/deployments/none'"


def test_a_name_that_is_none_costs_those_beside_it_nothing(door: Door, caller: Caller) -> None:
    models = ("nameless", "p.house", "", "p.size", "p.house")
    numbers = [caller.ask(house(1, model=model), flush=False) for model in models]
    caller.flush()
    statuses = [caller.answer(number).status for number in numbers]
    assert [status == OK for status in statuses] == [False, True, False, False, True]


def test_a_row_that_fails_costs_those_beside_it_nothing(caller: Caller) -> None:
    numbers = [caller.ask(house(rooms), flush=False) for rooms in (1, 666, 2)]
    caller.flush()
    assert [caller.answer(number).status for number in numbers] == [OK, INTERNAL, OK]


def test_a_request_that_breaks_its_reading_costs_those_beside_it_nothing(
    door: Door, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(request: pb.ModelInferRequest) -> object:
        if request.id == "breaks":
            raise ZeroDivisionError
        return plain_row(request)

    monkeypatch.setattr(predictions, "plain_row", breaks)
    numbers = [caller.ask(house(1, id=id), flush=False) for id in ("a", "breaks", "b")]
    caller.flush()
    assert [caller.answer(number).status for number in numbers] == [OK, INTERNAL, OK]
    assert door.houses.inference.book.of("projects/p/deployments/house").runs < 3


def test_rows_that_can_not_be_answered_together_are_asked_for_one_by_one(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(predictions.Predictions, "answer_rows", breaks)
    numbers = [caller.ask(house(count), flush=False) for count in range(3)]
    numbers.append(caller.ask(house(3), path=STREAM))
    assert [caller.answer(number).status for number in numbers] == [OK] * 4
    assert [caller.answers[number].prediction for number in numbers[:3]] == [1, 2, 3]


def test_what_can_not_go_on_is_told(door: Door, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert caller.answer(caller.ask(house(1), TRACEPARENT)).prediction == 2
    door.inner.stop(0)
    assert caller.answer(caller.ask(house(1), TRACEPARENT)).status == UNAVAILABLE
    with monkeypatch.context() as broken:
        broken.setattr(door.onward._lanes[Way.KNOWN][0], "channel", None)
        assert caller.answer(caller.ask(house(1), TRACEPARENT)).status == INTERNAL
    assert door.onward.calls == 0
    # Rows in their plainest form need none of it.
    assert caller.answer(caller.ask(house(1))).prediction == 2


def test_answers_that_can_not_be_written_end_their_connection_alone(
    door: Door, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    number = caller.begin(STREAM)
    caller.round_trip()
    with monkeypatch.context() as broken:
        broken.setattr(ServerProtocol, "send_data", breaks)
        caller.send(number, framed(house(1).SerializeToString()))
        caller.until_closed()
    other = door.caller()
    assert other.answer(other.ask(house(3), path=STREAM)).status == OK


def test_more_than_can_be_answered_is_refused_with_a_time_to_come_back(tmp_path: Path) -> None:
    # As if the loop were always behind.
    door = Door(tmp_path, bounds=Bounds(lag=-1000.0))
    try:
        caller = door.caller()
        waiting.until(lambda: door.front.behind)
        answer = caller.answer(caller.ask(house(1)))
        assert (answer.status, answer.retry_after) == (RESOURCE_EXHAUSTED, 1.0)
        assert caller.answer(caller.ask(house(1), path=STREAM)).status == RESOURCE_EXHAUSTED
        assert door.front.refused["lag"] == 2
        number = caller.begin(f"{SERVICE}/ServerReady", token=None)
        caller.send(number, framed(b""), end=True)
        assert caller.answer(number).status == OK
    finally:
        door.close()


def test_rows_that_are_here_at_the_same_time_are_one_run(door: Door, caller: Caller) -> None:
    numbers = [caller.ask(house(count), flush=False) for count in range(20)]
    caller.flush()
    assert [caller.answer(number).prediction for number in numbers] == [count + 1 for count in range(20)]
    done = door.houses.inference.book.of("projects/p/deployments/house")
    assert (done.requests, done.rows) == (20, 20)
    assert done.runs < 5
