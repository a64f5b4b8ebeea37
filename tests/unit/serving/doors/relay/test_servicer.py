"""Relayed predictions on a real socket, over made-up models."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.api.serving.v1.relay_service_pb2_grpc import RelayServiceStub, add_RelayServiceServicer_to_server
from fairlead.kit.errors import FailedPrecondition, FairleadError, InvalidArgument, NotFound
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.rpc.status import from_details
from fairlead.kit.settings import KitSettings
from services.serving.domain.requests.limits import RequestLimits
from services.serving.doors.relay.forms import RelayDoor, RowsDoor, TensorsDoor
from services.serving.doors.relay.servicer import RelayServicer
from tests.unit.serving.behind_doors import Houses

TOKEN = "token-of-the-test"
METADATA = (("authorization", f"Bearer {TOKEN}"),)
ROW = {"rooms": 3, "age": 10}
TENSORS = {
    "id": "t-1",
    "inputs": [
        {"name": "rooms", "shape": [1], "datatype": "FP64", "data": [3]},
        {"name": "age", "shape": [1], "datatype": "FP64", "data": [10]},
    ],
}


class Door:
    """A server and a stub of it."""

    def __init__(self, folder: Path, houses: Houses) -> None:
        told = (houses.inference, RequestLimits(rows=4, elements=1000), 30.0)
        doors: dict[int, RelayDoor] = {
            pb.RELAY_FORM_ROWS: RowsDoor(*told),
            pb.RELAY_FORM_OPEN_INFERENCE: TensorsDoor(*told),
        }
        self.servicer = RelayServicer(doors)
        self.server = RpcServer(KitSettings(home=folder, service_token=TOKEN), address="127.0.0.1:0")
        descriptor = pb.DESCRIPTOR.services_by_name["RelayService"]
        self.server.add(add_RelayServiceServicer_to_server, self.servicer, descriptor)
        self.server.start()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.server.port}")
        self.stub = RelayServiceStub(self.channel)

    def relay(self, *calls: pb.RelayedCall) -> list[pb.RelayedAnswer]:
        """The answers to calls that come in one message."""
        stream = self.stub.Relay(iter([pb.RelayRequest(calls=calls)]), metadata=METADATA, timeout=30)
        return [answer for response in stream for answer in response.answers]

    def one(self, call: pb.RelayedCall) -> pb.RelayedAnswer:
        return self.stub.RelayOne(pb.RelayOneRequest(call=call), metadata=METADATA, timeout=30).answer

    def close(self) -> None:
        self.channel.close()
        self.servicer.close()
        self.server.stop(1)


@pytest.fixture
def houses() -> Iterator[Houses]:
    houses = Houses()
    yield houses
    houses.close()


@pytest.fixture
def door(tmp_path: Path, houses: Houses) -> Iterator[Door]:
    for name in ("house", "split", "size", "telling"):
        route = houses.catalog.route(f"projects/p/deployments/{name}")
        houses.catalog.load([arm.source for arm in route.arms], 30.0)
    door = Door(tmp_path, houses)
    yield door
    door.close()


def rows(deployment: str = "house", number: int = 1, **body: Any) -> pb.RelayedCall:
    return pb.RelayedCall(
        number=number,
        form=pb.RELAY_FORM_ROWS,
        deployment=f"projects/p/deployments/{deployment}",
        body=json.dumps({"rows": [ROW], **body}).encode(),
    )


def tensors(deployment: str = "house", body: bytes = json.dumps(TENSORS).encode(), **more: Any) -> pb.RelayedCall:
    return pb.RelayedCall(
        number=2,
        form=pb.RELAY_FORM_OPEN_INFERENCE,
        deployment=f"projects/p/deployments/{deployment}",
        body=body,
        **more,
    )


def error_of(answer: pb.RelayedAnswer) -> FairleadError:
    return from_details(answer.error)


def test_rows_are_answered_as_values(door: Door) -> None:
    (answer,) = door.relay(rows(request_id="order-17"))

    assert json.loads(answer.body) == {
        "request_id": "order-17",
        "model_version": "projects/p/models/m/versions/1",
        "predictions": [{"value": 13.0}],
    }


def test_rows_are_answered_with_labels_and_probabilities(door: Door) -> None:
    (answer,) = door.relay(rows("size"))

    assert json.loads(answer.body)["predictions"] == [
        {"label": "medium", "probabilities": {"small": 0.2, "medium": 0.5, "large": 0.3}}
    ]


def test_each_call_of_a_message_has_its_own_answer_or_error(door: Door) -> None:
    answers = door.relay(rows(number=7), rows(number=8, rows=[{"rooms": "x", "age": 1}]), rows("nope", number=9))

    assert [answer.number for answer in answers] == [7, 8, 9]
    assert answers[0].body
    wrong = error_of(answers[1])
    assert isinstance(wrong, InvalidArgument)
    assert wrong.violations[0].field == "rows[0].rooms"
    assert answers[2].slow


def test_a_deployment_that_is_not_there_is_told_by_the_single_call(door: Door) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        door.one(rows("nope"))

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_tensors_are_answered_as_over_rest(door: Door) -> None:
    (answer,) = door.relay(tensors())

    told = json.loads(answer.body)
    assert (told["id"], told["model_name"], told["model_version"]) == ("t-1", "p.house", "1")
    assert told["outputs"][0]["data"] == [13.0]
    assert answer.json_length == 0


def test_raw_tensors_come_and_go_as_bytes(door: Door) -> None:
    head = {
        "inputs": [
            {"name": name, "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}}
            for name in ("rooms", "age")
        ],
        "parameters": {"binary_data_output": True},
    }
    json_part = json.dumps(head).encode()

    (answer,) = door.relay(tensors(body=json_part + np.array([3.0, 10.0]).tobytes(), json_length=len(json_part)))

    assert np.frombuffer(answer.body[answer.json_length :]).tolist() == [13.0]


def test_a_version_of_the_split_may_be_asked_for(door: Door) -> None:
    answers = door.relay(tensors("split", version="2"), tensors("split", version="3"))

    assert json.loads(answers[0].body)["model_version"] == "2"
    assert isinstance(error_of(answers[1]), NotFound)


def test_what_would_hold_up_the_others_is_answered_one_by_one(door: Door) -> None:
    (answer,) = door.relay(rows("telling", explain=True, interval=0.8))
    assert answer.slow

    told = json.loads(door.one(rows("telling", explain=True, interval=0.8)).body)
    assert told["predictions"][0]["contributions"] == {"rooms": 3.0, "age": 10.0}
    assert told["explanation"] == {"scale": "value", "base_value": 0.0, "label": None}
    assert set(told["predictions"][0]["interval"]) == {"lower", "upper"}
    assert told["coverage"] == 0.8


def test_a_model_that_is_not_in_memory_is_loaded_by_the_single_call(tmp_path: Path, houses: Houses) -> None:
    door = Door(tmp_path, houses)
    try:
        (first,) = door.relay(rows())
        told = door.one(rows())
        (again,) = door.relay(rows())
    finally:
        door.close()

    assert first.slow
    assert told.body
    assert json.loads(again.body)["predictions"] == [{"value": 13.0}]


def test_options_that_a_model_has_nothing_for_are_refused(door: Door) -> None:
    (answer,) = door.relay(rows("house", interval=0.9))

    assert isinstance(error_of(answer), FailedPrecondition)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "body is not JSON"),
        (b"[]", "body must be an object"),
        (b'{"rows": []}', "rows must be a list of one or more objects"),
        (b'{"rows": [3]}', "rows[0] must be an object"),
        (b'{"rows": [{}], "request_id": 3}', "request_id must be text"),
        (b'{"rows": [{}], "routing_key": 3}', "routing_key must be text"),
        (b'{"rows": [{}], "interval": 90}', "interval must be a coverage between 0 and 1"),
        (b'{"rows": [{}], "interval": true}', "interval must be a coverage"),
        (b'{"rows": [{}], "explane": 1}', "there are explain, interval, request_id, routing_key, rows"),
        (b'{"rows": [{}, {}, {}, {}, {}]}', "one request may have 4"),
    ],
)
def test_what_is_no_prediction_request_is_refused(door: Door, body: bytes, said: str) -> None:
    call = rows()
    call.body = body

    (answer,) = door.relay(call)

    error = error_of(answer)
    assert isinstance(error, InvalidArgument)
    assert said in error.message


def test_explain_must_be_true_or_false(door: Door) -> None:
    with pytest.raises(grpc.RpcError, match="explain must be true or false"):
        door.one(rows(explain="yes"))


def test_a_stream_that_waits_does_not_hold_up_the_servers_end(tmp_path: Path, houses: Houses) -> None:
    door = Door(tmp_path, houses)
    open_end = threading.Event()

    def requests() -> Iterator[pb.RelayRequest]:
        yield pb.RelayRequest(calls=[rows()])
        open_end.wait(30)

    stream = door.stub.Relay(requests(), metadata=METADATA)
    next(stream)
    began = time.monotonic()
    door.servicer.close()
    door.server.stop(20)
    open_end.set()

    assert time.monotonic() - began < 15


def numbered(*calls: pb.RelayedCall) -> list[pb.RelayedCall]:
    for number, call in enumerate(calls, start=1):
        call.number = number
    return list(calls)


def test_calls_of_a_row_that_come_together_are_answered_as_each_is_alone(door: Door, houses: Houses) -> None:
    def of_rooms(value: float, deployment: str = "house", **body: Any) -> pb.RelayedCall:
        return rows(deployment, rows=[{"rooms": value, "age": 1}], request_id=f"r{value}", **body)

    calls = numbered(
        *(of_rooms(value) for value in (1.0, 2.5, 3.0)),
        *(of_rooms(value, "size") for value in (1.0, 4.0, 9.0)),
        *(of_rooms(value, "split", routing_key=f"k{value}") for value in range(10)),
        *(tensors(body=json.dumps({**TENSORS, "id": name}).encode()) for name in ("a", "b")),
        of_rooms(666.0, "telling"),
        of_rooms(1.0, "telling", interval=0.5),
        rows(rows=[ROW, ROW], request_id="two"),
        rows(rows=[{"rooms": 1}], request_id="no age"),
        rows(rows="none"),
        rows("nothing", request_id="nobody"),
        tensors(body=b"{"),
        tensors(body=json.dumps({**TENSORS, "outputs": [{"name": "predict"}]}).encode()),
    )
    together = door.relay(*calls)
    assert together == [answer for call in calls for answer in door.relay(call)]
    assert houses.inference.book.of("projects/p/deployments/split").requests == 2 * 10


def test_a_call_that_names_no_request_is_logged_by_the_name_that_the_gateway_gave_it(door: Door) -> None:
    calls = numbered(*(rows(rows=[ROW]) for _ in range(3)))
    for call in calls:
        call.request_id = f"by the gateway {call.number}"
    names = [json.loads(answer.body)["request_id"] for answer in (*door.relay(*calls), *door.relay(calls[0]))]
    assert names == [f"by the gateway {number}" for number in (1, 2, 3, 1)]


def test_a_call_for_a_name_that_is_none_costs_no_other_call_its_answer(door: Door) -> None:
    odd = [pb.RelayedCall(form=pb.RELAY_FORM_OPEN_INFERENCE, deployment="odd", body=tensors().body) for _ in range(2)]
    answers = door.relay(*numbered(rows(rows=[ROW]), *odd, rows(rows=[ROW])))
    assert [bool(answer.body) for answer in answers] == [True, False, False, True]


def test_an_id_and_a_routing_key_are_short_whoever_sends_them(door: Door) -> None:
    gateways = rows()
    gateways.request_id = "i" * 257
    long = json.dumps({**TENSORS, "id": "i" * 257}).encode()
    for call in (rows(request_id="i" * 257), rows(routing_key="k" * 257), gateways, tensors(body=long)):
        (answer,) = door.relay(call)
        assert isinstance(error_of(answer), InvalidArgument)
        assert "at most 256 bytes" in error_of(answer).message


def test_a_bad_id_among_calls_that_are_answered_together_is_refused_alone(door: Door) -> None:
    first, second, third = door.relay(rows(number=1), rows(number=2, request_id="i" * 257), rows(number=3))
    assert first.body and third.body
    assert "at most 256 bytes" in error_of(second).message


def test_a_text_that_is_none_is_refused(door: Door) -> None:
    odd = json.dumps({**TENSORS, "id": "a\ud800"}).encode()
    for call in (tensors(body=odd), rows(request_id="a\ud800"), rows(routing_key="a\ud800")):
        (answer,) = door.relay(call)
        assert isinstance(error_of(answer), InvalidArgument)
