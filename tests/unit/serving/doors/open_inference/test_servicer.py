"""The Open Inference Protocol's gRPC service on a real socket, over made-up models."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from fairlead.api.inference.v2 import model_repository_pb2, model_repository_pb2_grpc
from fairlead.api.inference.v2 import open_inference_pb2 as pb
from fairlead.api.inference.v2.open_inference_pb2_grpc import (
    GRPCInferenceServiceStub,
    add_GRPCInferenceServiceServicer_to_server,
)
from fairlead.kit.auth import TokenVerifier
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings
from fairlead.kit.worker_pool import WorkerPool
from services.serving.domain.repository import ModelRepository
from services.serving.domain.requests.limits import RequestLimits
from services.serving.doors.http2.front import Front
from services.serving.doors.http2.onward import Onward
from services.serving.doors.http2.server import Http2Server
from services.serving.doors.open_inference.model_repository_servicer import ModelRepositoryServicer
from services.serving.doors.open_inference.servicer import OPEN_METHODS, OpenInferenceServicer
from services.serving.doors.rest.server import listen
from tests.unit.serving.behind_doors import SIZED, TELLING, Houses
from tests.unit.serving.houses import source

TOKEN = "token-of-the-test"
METADATA = (("authorization", f"Bearer {TOKEN}"),)
METHODS = tuple(pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods)
NOT_OFFERED = {
    "SystemSharedMemoryStatus",
    "SystemSharedMemoryRegister",
    "SystemSharedMemoryUnregister",
    "CudaSharedMemoryStatus",
    "CudaSharedMemoryRegister",
    "CudaSharedMemoryUnregister",
    "TraceSetting",
    "LogSettings",
}
"""What the contract says is answered UNIMPLEMENTED."""


class Door:
    """A server, as it is or behind its front, and a channel to it that carries the token."""

    def __init__(self, folder: Path, houses: Houses, *, front: bool) -> None:
        settings = KitSettings(home=folder, service_token=TOKEN)
        self.server = RpcServer(settings, address="127.0.0.1:0", open_methods=OPEN_METHODS)
        self.servicer = OpenInferenceServicer(houses.inference, "1.0", 30.0, RequestLimits(rows=4, elements=1000))
        self.server.add(
            add_GRPCInferenceServiceServicer_to_server,
            self.servicer,
            pb.DESCRIPTOR.services_by_name["GRPCInferenceService"],
        )
        self.server.add(
            model_repository_pb2_grpc.add_ModelRepositoryServiceServicer_to_server,
            ModelRepositoryServicer(ModelRepository(houses.catalog, houses.inference.book), 30.0),
            model_repository_pb2.DESCRIPTOR.services_by_name["ModelRepositoryService"],
        )
        self.server.start()
        self.threads = WorkerPool(4, name="stream")
        self.front = self._front(houses) if front else None
        port = self.server.port if self.front is None else self.front.port
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = GRPCInferenceServiceStub(self.channel)

    def _front(self, houses: Houses) -> Http2Server:
        onward = Onward(lambda: f"127.0.0.1:{self.server.port}")
        verifier = TokenVerifier(TOKEN, "")
        front = Front(self.servicer.predictions, verifier, onward, self.threads, 64 * 1024 * 1024)
        server = Http2Server(front, onward, listen("127.0.0.1:0"), grace=5)
        server.start()
        return server

    def stop(self, grace: float) -> None:
        """Stop as a serving process does."""
        if self.front is not None:
            self.front.stop()
        self.server.stop(grace)
        self.threads.shutdown()

    def call(self, method: str, request: Message, **options: Any) -> Any:
        return getattr(self.stub, method)(request, metadata=METADATA, **options)

    def stream(self, requests: Iterable[pb.ModelInferRequest]) -> Any:
        return self.stub.ModelStreamInfer(iter(requests), metadata=METADATA)

    def refusal(self, method: str, request: Message, **options: Any) -> tuple[grpc.StatusCode, str]:
        with pytest.raises(grpc.RpcError) as refused:
            self.call(method, request, **options)
        return refused.value.code(), refused.value.details() or ""


@pytest.fixture
def houses() -> Iterator[Houses]:
    houses = Houses()
    yield houses
    houses.close()


@pytest.fixture(params=[False, True], ids=["as it is", "behind its front"])
def door(tmp_path: Path, houses: Houses, request: pytest.FixtureRequest) -> Iterator[Door]:
    houses.catalog.load([source(number) for number in (1, SIZED, TELLING)], 30)
    door = Door(tmp_path, houses, front=request.param)
    yield door
    door.channel.close()
    door.stop(0)


def house(*rooms: float, model: str = "p.house", id: str = "", **parameters: Any) -> pb.ModelInferRequest:
    """A request for houses one year old."""
    request = pb.ModelInferRequest(model_name=model, id=id)
    for name, values in (("rooms", list(rooms)), ("age", [1.0] * len(rooms))):
        request.inputs.add(name=name, datatype="FP64", shape=[len(rooms)]).contents.fp64_contents.extend(values)
    for name, value in parameters.items():
        kinds = {bool: "bool_param", int: "int64_param", str: "string_param", float: "double_param"}
        setattr(request.parameters[name], kinds[type(value)], value)
    return request


def output(response: pb.ModelInferResponse, name: str) -> Any:
    (index,) = [index for index, output in enumerate(response.outputs) if output.name == name]
    found = response.outputs[index]
    dtype = {"FP64": "<f8", "BOOL": "?"}[found.datatype]
    return np.frombuffer(response.raw_output_contents[index], dtype).reshape(tuple(found.shape))


ABOUT_THE_HOUSE: dict[str, Message] = {
    "ModelInfer": house(1, 2),
    "ModelMetadata": pb.ModelMetadataRequest(name="p.house"),
    "ModelConfig": pb.ModelConfigRequest(name="p.house"),
    "ModelStatistics": pb.ModelStatisticsRequest(name="p.house"),
    "RepositoryModelLoad": pb.RepositoryModelLoadRequest(model_name="p.house"),
    "RepositoryModelUnload": pb.RepositoryModelUnloadRequest(model_name="p.house"),
}


@pytest.mark.parametrize("method", METHODS, ids=[method.name for method in METHODS])
def test_every_call_of_the_protocol_is_answered(door: Door, method: Any) -> None:
    request = ABOUT_THE_HOUSE.get(method.name, GetMessageClass(method.input_type)())
    if method.client_streaming:
        assert [answer.error_message for answer in door.stream([house(1, 2)])] == [""]
    elif method.name in NOT_OFFERED:
        code, details = door.refusal(method.name, request)
        assert code is grpc.StatusCode.UNIMPLEMENTED
        assert details == f"{method.name} is not offered by this server; it belongs to other servers of the protocol"
    else:
        door.call(method.name, request)


@pytest.mark.parametrize("method", ["ServerLive", "ServerReady"])
def test_health_needs_no_token(door: Door, method: str) -> None:
    getattr(door.stub, method)(GetMessageClass(pb.DESCRIPTOR.message_types_by_name[f"{method}Request"])())
    with pytest.raises(grpc.RpcError) as refused:
        door.stub.ServerMetadata(pb.ServerMetadataRequest())
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_stream_answers_in_order_and_goes_on_after_an_error(door: Door) -> None:
    requests = [house(1, id="a"), house(1, model="p.none", id="b"), house(666, id="c"), house(3, id="d")]
    answers = list(door.stream(requests))
    assert [answer.infer_response.id for answer in answers] == ["a", "b", "c", "d"]
    assert answers[1].error_message == "there is no deployment 'projects/p/deployments/none'"
    assert answers[2].error_message == "the service failed on this request; its log has the detail"
    assert [output(answer.infer_response, "predict").tolist() for answer in (answers[0], answers[3])] == [[2], [4]]


def test_a_stream_answers_each_message_before_the_next_is_sent(door: Door) -> None:
    sent: list[pb.ModelInferRequest] = []
    more = threading.Semaphore(1)

    def one_by_one() -> Iterator[pb.ModelInferRequest]:
        for rooms in range(3):
            more.acquire()
            sent.append(house(rooms))
            yield sent[-1]

    for number, _ in enumerate(door.stream(one_by_one()), 1):
        assert len(sent) == number
        more.release()


def test_a_client_that_waits_for_the_final_response_is_told(door: Door) -> None:
    (answer,) = door.stream([house(1, triton_enable_empty_final_response=True)])
    assert answer.infer_response.parameters["triton_final_response"].bool_param


def test_an_open_stream_does_not_keep_a_server_from_stopping(door: Door) -> None:
    done = threading.Event()

    def until_done() -> Iterator[pb.ModelInferRequest]:
        yield house(1)
        done.wait(30)

    stream = door.stream(until_done())
    assert next(stream).error_message == ""
    stopping = [
        threading.Thread(target=door.stop, args=(600,)),
        threading.Thread(target=door.servicer.end_streams, args=(600,)),
    ]
    for thread in stopping:
        thread.start()
    with pytest.raises((grpc.RpcError, StopIteration)):
        next(stream)
    for thread in stopping:
        thread.join(60)
        assert not thread.is_alive()
    done.set()


def test_a_stream_that_is_used_goes_on_while_the_server_stops(door: Door) -> None:
    answered = threading.Semaphore(1)

    def one_after_another() -> Iterator[pb.ModelInferRequest]:
        for _ in range(30):
            answered.acquire(timeout=30)
            yield house(1)

    stream = door.stream(one_after_another())
    next(stream)
    ending = threading.Thread(target=door.servicer.end_streams, args=(600,))
    ending.start()
    count = 1
    answered.release()
    for answer in stream:
        assert answer.error_message == ""
        count += 1
        answered.release()
    assert count == 30
    ending.join(60)
    assert not ending.is_alive()


def test_an_explanation_and_an_interval_are_outputs_of_their_own(door: Door) -> None:
    answer = door.call("ModelInfer", house(2, 3, model="p.telling", fairlead_explain=True, fairlead_interval=0.5))
    assert [found.name for found in answer.outputs] == [
        "predict",
        "contributions",
        "base_values",
        "interval_lower",
        "interval_upper",
    ]
    np.testing.assert_array_equal(output(answer, "contributions"), [[2, 1], [3, 1]])
    np.testing.assert_array_equal(output(answer, "base_values"), [0])
    assert answer.outputs[1].parameters["scale"].string_param == "value"
    np.testing.assert_allclose(output(answer, "interval_lower"), [3 - 5, 4 - 5], atol=1e-3)
    np.testing.assert_allclose(output(answer, "interval_upper"), [3 + 5, 4 + 5], atol=1e-3)


def test_what_a_model_can_not_tell_is_said(door: Door) -> None:
    code, details = door.refusal("ModelInfer", house(1, fairlead_explain=True))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "tells nothing beside its predictions" in details


def test_the_same_routing_key_goes_to_the_same_version(door: Door) -> None:
    by_key = {
        key: {door.call("ModelInfer", house(1, model="p.split", fairlead_routing_key=key)).model_version for _ in "abc"}
        for key in map(str, range(40))
    }
    assert all(len(versions) == 1 for versions in by_key.values())
    assert set.union(*by_key.values()) == {"1", "2"}


def test_a_version_can_be_asked_for_by_its_number(door: Door) -> None:
    request = house(1, model="p.split")
    request.model_version = "2"
    assert door.call("ModelInfer", request).model_version == "2"
    request.model_version = "3"
    assert door.refusal("ModelInfer", request)[0] is grpc.StatusCode.NOT_FOUND


def test_the_likeliest_classes_are_texts(door: Door) -> None:
    request = pb.ModelInferRequest(model_name="p.size")
    request.inputs.add(name="rooms", datatype="FP64", shape=[1]).contents.fp64_contents.append(4)
    request.outputs.add(name="predict_proba").parameters["classification"].int64_param = 2
    answer = door.call("ModelInfer", request)
    assert (answer.outputs[0].datatype, list(answer.outputs[0].shape)) == ("BYTES", [1, 2])
    assert answer.raw_output_contents == [b"\x0c\x00\x00\x000.5:1:medium\x0b\x00\x00\x000.3:2:large"]


def test_an_id_and_a_routing_key_are_short(door: Door) -> None:
    for request in (house(1, id="i" * 257), house(1, fairlead_routing_key="k" * 257)):
        code, details = door.refusal("ModelInfer", request)
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert "at most 256 bytes" in details
    long, short = door.stream([house(1, id="ü" * 129), house(1, id="ü" * 128)])
    assert "at most 256 bytes" in long.error_message
    assert short.infer_response.id == "ü" * 128


def test_rows_and_elements_beyond_the_limits_are_refused(door: Door) -> None:
    code, details = door.refusal("ModelInfer", house(*range(5)))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details.startswith("5 rows were sent; one request may have 4")
    assert "one request may have 1000" in door.refusal("ModelInfer", house(*range(501)))[1]
    raw = pb.ModelInferRequest(model_name="p.house", raw_input_contents=[b"\x00" * 1001])
    raw.inputs.add(name="matrix", datatype="BOOL", shape=[1001])
    assert "the tensors have 1001 elements" in door.refusal("ModelInfer", raw)[1]


def test_raw_contents_may_come_beside_empty_contents_but_not_beside_others(door: Door) -> None:
    request = pb.ModelInferRequest(model_name="p.house", raw_input_contents=[np.array([2.0, 1.0]).tobytes()])
    request.inputs.add(name="matrix", datatype="FP64", shape=[1, 2]).contents.SetInParent()
    assert output(door.call("ModelInfer", request), "predict").tolist() == [3]
    request.inputs[0].contents.fp64_contents.extend([2, 1])
    assert "tensor 'matrix': it has contents beside raw_input_contents" in door.refusal("ModelInfer", request)[1]


def test_a_deadline_that_is_over_is_not_worked_on(door: Door, houses: Houses) -> None:
    houses.slow.may.set()
    code, details = door.refusal("ModelInfer", house(1, model="p.slow", timeout=1))
    assert (code, details) == (grpc.StatusCode.DEADLINE_EXCEEDED, "the caller's deadline has passed")
    assert houses.slow.asked == 0
    door.call("ModelInfer", house(1, model="p.slow", timeout=20_000_000))
    assert houses.slow.asked == 1


def test_models_are_loaded_and_unloaded(door: Door, houses: Houses) -> None:
    door.call("RepositoryModelLoad", pb.RepositoryModelLoadRequest(model_name="p.split"))
    assert houses.in_memory(1)
    assert houses.in_memory(2)
    door.call("RepositoryModelUnload", pb.RepositoryModelUnloadRequest(model_name="p.split"))
    assert not houses.in_memory(1)
    assert door.call("ModelReady", pb.ModelReadyRequest(name="p.split")).ready
    assert door.call("ModelInfer", house(1, model="p.split", fairlead_routing_key="k")).outputs
    assert door.refusal("RepositoryModelLoad", pb.RepositoryModelLoadRequest(model_name="p.none"))[0] is (
        grpc.StatusCode.NOT_FOUND
    )


def test_a_model_of_the_callers_own_can_not_be_loaded(door: Door) -> None:
    request = pb.RepositoryModelLoadRequest(model_name="p.house")
    request.parameters["config"].string_param = "{}"
    code, details = door.refusal("RepositoryModelLoad", request)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details.startswith("config: a model's files and configuration are those of its deployed version")


def test_the_index_lists_versions_and_why_one_does_not_answer(door: Door) -> None:
    assert not door.call("ModelReady", pb.ModelReadyRequest(name="p.none")).ready
    door.refusal("RepositoryModelLoad", pb.RepositoryModelLoadRequest(model_name="p.broken"))
    assert not door.call("ModelReady", pb.ModelReadyRequest(name="p.broken")).ready
    door.call("ModelMetadata", pb.ModelMetadataRequest(name="p.house"))
    index = door.call("RepositoryIndex", pb.RepositoryIndexRequest()).models
    found = {(entry.name, entry.version): (entry.state, entry.reason) for entry in index}
    assert found["p.house", "1"] == ("READY", "")
    assert found["p.broken", "9"] == ("UNAVAILABLE", "the package holds no model")
    assert found["p.split", "2"] == ("READY", "not in memory; the next prediction loads it")
    ready = door.call("RepositoryIndex", pb.RepositoryIndexRequest(ready=True)).models
    assert "p.broken" not in {entry.name for entry in ready}


def test_mlservers_repository_service_answers_the_same(door: Door, houses: Houses) -> None:
    stub = model_repository_pb2_grpc.ModelRepositoryServiceStub(door.channel)
    name = {"model_name": "p.house"}
    stub.RepositoryModelLoad(model_repository_pb2.RepositoryModelLoadRequest(**name), metadata=METADATA)
    assert houses.in_memory(1)
    index = stub.RepositoryIndex(model_repository_pb2.RepositoryIndexRequest(ready=True), metadata=METADATA)
    assert ("p.house", "1", "READY", "") in {(m.name, m.version, m.state, m.reason) for m in index.models}
    stub.RepositoryModelUnload(model_repository_pb2.RepositoryModelUnloadRequest(**name), metadata=METADATA)
    assert not houses.in_memory(1)


def test_configuration_and_statistics_tell_of_every_version(door: Door) -> None:
    config = door.call("ModelConfig", pb.ModelConfigRequest(name="p.split")).config
    assert list(config.version_policy.specific.versions) == [1, 2]
    assert [(given.name, given.data_type, list(given.dims)) for given in config.input] == [
        ("rooms", pb.TYPE_FP64, [-1, 1]),
        ("age", pb.TYPE_FP64, [-1, 1]),
    ]
    assert config.parameters["fairlead_task_type"].string_value == "regression"
    door.call("ModelInfer", house(1, 2, 3))
    door.refusal("ModelInfer", pb.ModelInferRequest(model_name="p.house"))
    (entry,) = door.call("ModelStatistics", pb.ModelStatisticsRequest(name="p.house", version="1")).model_stats
    assert (entry.inference_count, entry.execution_count, entry.inference_stats.fail.count) == (3, 1, 1)
    assert len(door.call("ModelStatistics", pb.ModelStatisticsRequest()).model_stats) == 7
