"""What every Fairlead gRPC server does, seen through a real socket."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from structlog.testing import capture_logs

from fairlead.api.gateway.v1 import project_service_pb2 as api
from fairlead.api.gateway.v1.project_service_pb2_grpc import (
    ProjectServiceServicer,
    ProjectServiceStub,
    add_ProjectServiceServicer_to_server,
)
from fairlead.kit.auth import verifier
from fairlead.kit.errors import (
    ERRORS,
    DeadlineExceeded,
    FairleadError,
    FieldViolation,
    Internal,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    error_for,
)
from fairlead.kit.metrics_server import start_metrics_server
from fairlead.kit.rpc import deadline
from fairlead.kit.rpc.channel import connect, connect_to
from fairlead.kit.rpc.server import CALLS_OF_A_CONNECTION, RpcServer
from fairlead.kit.settings import KitSettings
from fairlead.kit.tracing import configure_tracing, span
from services.gateway.settings import GatewaySettings
from services.trainer.settings import TrainerSettings
from tests import waiting
from tests.ports import free_port


@dataclass
class Projects(ProjectServiceServicer):
    """Raises, waits or answers as the project id asks."""

    seen: list[float | None] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)

    def GetProject(self, request: api.GetProjectRequest, context: grpc.ServicerContext) -> api.GetProjectResponse:
        self.seen.append(context.time_remaining())
        self.peers.append(context.peer())
        self.traces += [str(v) for k, v in context.invocation_metadata() if k == "traceparent"]
        if request.name == "defect":
            raise ZeroDivisionError("secret detail")
        if request.name == "slow":
            time.sleep(0.5)
        if request.name.isupper():
            raise error_for(
                request.name,
                "said why",
                violations=[FieldViolation("name", "is shouting")],
                resource="projects/x",
                retry_after=1.5,
            )
        return api.GetProjectResponse(project=api.Project(name=request.name))


TOKEN = "a-service-token"


@dataclass(frozen=True)
class Running:
    server: RpcServer
    servicer: Projects
    address: str

    def stub(self, token: str = TOKEN, timeout: float = 5.0) -> ProjectServiceStub:
        return ProjectServiceStub(connect(self.address, token=token, timeout=timeout))


def settings_at(port: int) -> KitSettings:
    return KitSettings(
        service_token=TOKEN,
        admin_token_sha256=hashlib.sha256(b"admin-token").hexdigest(),
        gateway_address=f"127.0.0.1:{port}",
    )


@pytest.fixture
def running() -> Iterator[Running]:
    configure_tracing("test")
    servicer = Projects()
    server = RpcServer(settings_at(0), address="127.0.0.1:0")
    server.add(add_ProjectServiceServicer_to_server, servicer, api.DESCRIPTOR.services_by_name["ProjectService"])
    server.start()
    yield Running(server, servicer, f"127.0.0.1:{server.port}")
    server.stop(grace=0)


def test_answers_a_caller_with_a_token(running: Running) -> None:
    answer = running.stub("admin-token").GetProject(api.GetProjectRequest(name="a"))

    assert answer.project.name == "a"


@pytest.mark.parametrize("token", ["", "wrong"])
def test_refuses_a_caller_without_a_valid_token(running: Running, token: str) -> None:
    with pytest.raises(Unauthenticated, match="token"):
        running.stub(token).GetProject(api.GetProjectRequest(name="a"))


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_arrives_as_it_was_raised(running: Running, error: type[FairleadError]) -> None:
    with pytest.raises(error) as caught:
        running.stub().GetProject(api.GetProjectRequest(name=error.code.value))

    assert caught.value.message == "said why"
    assert caught.value.violations == (FieldViolation("name", "is shouting"),)
    assert caught.value.resource == "projects/x"
    assert caught.value.retry_after == 1.5


def test_an_unexpected_failure_tells_the_caller_nothing_of_its_cause(running: Running) -> None:
    with pytest.raises(Internal) as caught:
        running.stub().GetProject(api.GetProjectRequest(name="defect"))

    assert "secret" not in caught.value.message


def test_a_method_that_is_not_served_is_unimplemented(running: Running) -> None:
    with pytest.raises(FairleadError) as caught:
        running.stub().ListProjects(api.ListProjectsRequest())

    assert caught.value.code.value == "UNIMPLEMENTED"


def test_the_deadline_of_the_caller_is_passed_on(running: Running) -> None:
    with deadline.within(0.9):
        running.stub(timeout=30).GetProject(api.GetProjectRequest(name="a"))

    (remaining,) = running.servicer.seen
    assert remaining is not None
    assert 0 < remaining <= 0.9


def test_a_call_that_outlives_its_deadline_fails(running: Running) -> None:
    with pytest.raises(DeadlineExceeded):
        running.stub(timeout=0.1).GetProject(api.GetProjectRequest(name="slow"))


def test_the_trace_of_the_caller_is_passed_on(running: Running) -> None:
    with span("outer") as outer:
        running.stub().GetProject(api.GetProjectRequest(name="a"))

    (traceparent,) = running.servicer.traces
    assert format(outer.get_span_context().trace_id, "032x") in traceparent


def test_health_is_open_and_reflection_is_not(running: Running) -> None:
    channel = grpc.insecure_channel(running.address)

    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    with pytest.raises(grpc.RpcError) as refused:
        list(reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(_list_services()))

    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_reflection_names_the_services(running: Running) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(grpc.insecure_channel(running.address))

    (answer,) = stub.ServerReflectionInfo(_list_services(), metadata=[("authorization", f"Bearer {TOKEN}")])

    assert "fairlead.api.gateway.v1.ProjectService" in {s.name for s in answer.list_services_response.service}


def test_stopping_lets_a_call_under_way_finish(running: Running) -> None:
    answers: list[str] = []
    stub = running.stub()
    stub.GetProject(api.GetProjectRequest(name="a"))
    caller = threading.Thread(
        target=lambda: answers.append(stub.GetProject(api.GetProjectRequest(name="slow")).project.name)
    )
    caller.start()
    while len(running.servicer.seen) < 2:
        time.sleep(0.01)

    running.server.stop(grace=5)
    caller.join()

    assert answers == ["slow"]
    with pytest.raises(Unavailable):
        running.stub().GetProject(api.GetProjectRequest(name="a"))


def test_a_port_in_use_is_said_so(running: Running) -> None:
    second = RpcServer(settings_at(0), address=running.address)

    with pytest.raises(Unavailable, match="in use"):
        second.start()


def test_one_action_that_fails_at_the_stop_does_not_keep_the_others_from_running(running: Running) -> None:
    done: list[str] = []

    def fail() -> None:
        raise OSError("disk gone")

    for action in (lambda: done.append("first"), fail, lambda: done.append("last")):
        running.server.on_stop(action)

    with pytest.raises(OSError, match="disk gone"):
        running.server.stop(grace=0)
    assert done == ["first", "last"]


def test_a_silent_connection_holds_up_neither_metrics_nor_the_end() -> None:
    metrics = start_metrics_server("127.0.0.1:0", verifier(settings_at(0)))
    with socket.create_connection(("127.0.0.1", metrics.port)):
        url = f"http://127.0.0.1:{metrics.port}/metrics"
        shown = httpx.get(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=3)
        metrics.close()

    assert shown.status_code == 200


def test_metrics_need_a_token() -> None:
    metrics = start_metrics_server("127.0.0.1:0", verifier(settings_at(0)))
    try:
        url = f"http://127.0.0.1:{metrics.port}/metrics"
        refused = httpx.get(url)
        shown = httpx.get(url, headers={"Authorization": f"Bearer {TOKEN}"})
    finally:
        metrics.close()

    assert refused.status_code == 401
    assert "fairlead_rpc_calls_total" in shown.text


def _list_services() -> Iterator[reflection_pb2.ServerReflectionRequest]:
    yield reflection_pb2.ServerReflectionRequest(list_services="")


@pytest.fixture
def crowded() -> Iterator[Running]:
    servicer = Projects()
    server = RpcServer(settings_at(0), address="127.0.0.1:0", workers=1, queue_seconds=0.05)
    server.add(add_ProjectServiceServicer_to_server, servicer, api.DESCRIPTOR.services_by_name["ProjectService"])
    server.start()
    yield Running(server, servicer, f"127.0.0.1:{server.port}")
    server.stop(grace=0)


def test_calls_that_would_wait_too_long_are_refused_and_told_when_to_come_back(crowded: Running) -> None:
    stub, refused = crowded.stub(timeout=60), []

    def call() -> None:
        try:
            stub.GetProject(api.GetProjectRequest(name="slow"))
        except ResourceExhausted as error:
            refused.append(error)

    callers = [threading.Thread(target=call) for _ in range(12)]
    for caller in callers:
        caller.start()
        time.sleep(0.02)
    health = health_pb2_grpc.HealthStub(connect(crowded.address, token=""))
    assert health.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
    for caller in callers:
        caller.join()
    assert refused
    assert all(error.retry_after is not None and error.retry_after > 0 for error in refused)
    # Those before them were answered, each in its turn.
    assert len(crowded.servicer.seen) == 12 - len(refused)


def test_who_calls_without_a_pause_loses_no_call_when_the_server_stops() -> None:
    servicer = Projects()
    server = RpcServer(settings_at(0), address="127.0.0.1:0")
    server.add(add_ProjectServiceServicer_to_server, servicer, api.DESCRIPTOR.services_by_name["ProjectService"])
    server.start()
    endings: list[str] = []

    def call() -> None:
        stub = ProjectServiceStub(connect(f"127.0.0.1:{server.port}", token=TOKEN, timeout=30))
        while True:
            try:
                stub.GetProject(api.GetProjectRequest(name="a"))
            except FairleadError as error:
                endings.append(error.message)
                return

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    waiting.until(lambda: len(servicer.seen) > 50, "load")
    server.stop()
    for caller in callers:
        caller.join()
    assert [message for message in endings if "failed to connect" not in message] == []


def test_more_calls_than_a_connection_may_have_wait_at_their_caller(running: Running) -> None:
    stub = ProjectServiceStub(grpc.insecure_channel(running.address))
    metadata = (("authorization", f"Bearer {TOKEN}"),)
    calls = [
        stub.GetProject.future(api.GetProjectRequest(name="a"), metadata=metadata, timeout=60)
        for _ in range(4 * CALLS_OF_A_CONNECTION)
    ]
    assert {call.result().project.name for call in calls} == {"a"}


def test_a_connection_ends_at_its_age_and_no_call_with_it() -> None:
    servicer = Projects()
    settings = settings_at(0).model_copy(update={"connection_age_seconds": 0.2})
    server = RpcServer(settings, address="127.0.0.1:0")
    server.add(add_ProjectServiceServicer_to_server, servicer, api.DESCRIPTOR.services_by_name["ProjectService"])
    server.start()
    stub = ProjectServiceStub(connect(f"127.0.0.1:{server.port}", token=TOKEN))

    def has_moved() -> bool:
        stub.GetProject(api.GetProjectRequest(name="slow"))
        return len(set(servicer.peers)) > 2

    waiting.until(has_moved, "a third connection")
    server.stop(0)


def test_a_scrapers_token_reads_metrics_and_nothing_else() -> None:
    port = free_port(1, 101)
    server = RpcServer(GatewaySettings(base_port=port, service_token=TOKEN, metrics_token="scraper"))
    server.add(add_ProjectServiceServicer_to_server, Projects(), api.DESCRIPTOR.services_by_name["ProjectService"])
    server.start()
    try:
        shown = httpx.get(f"http://127.0.0.1:{port + 101}/metrics", headers={"Authorization": "Bearer scraper"})
        with pytest.raises(Unauthenticated):
            ProjectServiceStub(connect(f"127.0.0.1:{port + 1}", token="scraper")).GetProject(api.GetProjectRequest())
    finally:
        server.stop(grace=0)

    assert shown.status_code == 200


def test_the_log_of_a_failed_call_names_the_service_that_called(running: Running) -> None:
    settings = TrainerSettings(service_token=TOKEN)
    channel = connect_to(settings, "gateway", address=running.address)
    with channel, capture_logs() as logs, pytest.raises(Internal):
        ProjectServiceStub(channel).GetProject(api.GetProjectRequest(name="defect"))

    assert [line["caller"] for line in logs if line["event"] == "call failed unexpectedly"] == ["trainer"]
