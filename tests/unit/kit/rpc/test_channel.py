"""Calls by a name, whose processes come, drain and die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import grpc
import pytest

from fairlead.api.gateway.v1 import project_service_pb2 as api
from fairlead.api.gateway.v1.project_service_pb2_grpc import (
    ProjectServiceServicer,
    ProjectServiceStub,
    add_ProjectServiceServicer_to_server,
)
from fairlead.kit.errors import FairleadError, Unavailable
from fairlead.kit.rpc import channel, server
from fairlead.kit.rpc.channel import connect
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings
from tests import waiting
from tests.data import ROOT
from tests.names import NameServer
from tests.ports import free_port

TOKEN = "a-service-token"
ANY = api.GetProjectRequest(name="any")


class Projects(ProjectServiceServicer):
    """Answers with the address that it was asked at, after a moment or the seconds that a name or an id says."""

    def __init__(self, address: str) -> None:
        self._address = address

    def GetProject(self, request: api.GetProjectRequest, _context: grpc.ServicerContext) -> api.GetProjectResponse:
        time.sleep(0.005 if request.name == ANY.name else float(request.name))
        return api.GetProjectResponse(project=api.Project(name=self._address))

    def CreateProject(
        self, request: api.CreateProjectRequest, context: grpc.ServicerContext
    ) -> api.CreateProjectResponse:
        asked = api.GetProjectRequest(name=request.project_id)
        return api.CreateProjectResponse(project=self.GetProject(asked, context).project)


def pod(address: str, age: float = 0.0) -> RpcServer:
    """A process of the service, in this one."""
    server = RpcServer(KitSettings(service_token=TOKEN, connection_age_seconds=age), address=address)  # type: ignore[arg-type]
    service = api.DESCRIPTOR.services_by_name["ProjectService"]
    server.add(add_ProjectServiceServicer_to_server, Projects(address), service)
    server.start()
    return server


def serve(address: str) -> None:
    """Be a pod until SIGTERM."""
    pod(address).wait()


@dataclass
class Name:
    """A name with pods behind it, each with an address of its own at the same port."""

    names: NameServer
    opened: ExitStack
    port: int = field(default_factory=free_port)

    def means(self, *hosts: str) -> None:
        self.names.addresses = hosts

    def start(self, host: str, age: float = 0.0) -> RpcServer:
        server = pod(f"{host}:{self.port}", age)
        self.opened.callback(server.stop, 0)
        return server

    def spawn(self, host: str) -> subprocess.Popen[bytes]:
        program = f"from tests.unit.kit.rpc.test_channel import serve; serve('{host}:{self.port}')"
        process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
        self.opened.callback(process.wait)
        self.opened.callback(process.kill)
        return process

    def stub(self) -> ProjectServiceStub:
        channel = connect(self.names.target(self.port), token=TOKEN)
        self.opened.callback(channel.close)
        return ProjectServiceStub(channel)


@pytest.fixture
def name() -> Iterator[Name]:
    with ExitStack() as opened:
        yield Name(opened.enter_context(NameServer()), opened)


class Load:
    """Callers that call without a pause: who answered, and what failed."""

    def __init__(self, stub: ProjectServiceStub, callers: int = 8) -> None:
        self._stub = stub
        self._ended = threading.Event()
        self.answers: dict[str, int] = {}
        self.answered: set[int] = set()
        """The threads of those that were answered since the last look."""
        self.failures: list[str] = []
        self._callers = [threading.Thread(target=self._call) for _ in range(callers)]

    def __enter__(self) -> Load:
        for caller in self._callers:
            caller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for caller in self._callers:
            caller.join()

    def reaches(self, *addresses: str) -> None:
        """Return once these, and no others, have answered for a while."""

        def does() -> bool:
            self.answers = {}
            time.sleep(0.2)
            return set(self.answers) == set(addresses)

        waiting.until(does, f"answers of {addresses}")

    def all_are_answered(self) -> None:
        """Return once each caller has been answered again."""
        self.answered = set()
        waiting.until(lambda: len(self.answered) == len(self._callers), "an answer to each caller")

    def _call(self) -> None:
        while not self._ended.is_set():
            try:
                answered = self._stub.GetProject(ANY).project.name
            except FairleadError as error:
                self.failures.append(error.message)
            else:
                self.answers[answered] = self.answers.get(answered, 0) + 1
                self.answered.add(threading.get_ident())


def test_calls_are_shared_out_to_all_processes_behind_a_name(name: Name) -> None:
    hosts = ("127.0.0.2", "127.0.0.3")
    for host in hosts:
        name.start(host)
    name.means(*hosts)

    with Load(name.stub()) as load:
        load.reaches(*(f"{host}:{name.port}" for host in hosts))


def test_a_rolling_update_loses_no_call(name: Name) -> None:
    old, new = f"127.0.0.2:{name.port}", f"127.0.0.3:{name.port}"
    going = name.start("127.0.0.2")
    name.means("127.0.0.2")
    with Load(name.stub()) as load:
        load.reaches(old)
        name.start("127.0.0.3")
        name.means("127.0.0.3")
        going.stop(5)
        load.reaches(new)

    assert load.failures == []


def test_services_are_not_asked_by_way_of_a_proxy(name: Name, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{free_port()}")
    name.start("127.0.0.2")
    name.means("127.0.0.2")

    assert name.stub().GetProject(ANY).project.name == f"127.0.0.2:{name.port}"


def test_a_call_waits_for_a_name_that_is_not_up_to_date_yet(name: Name) -> None:
    going = name.start("127.0.0.2")
    name.means("127.0.0.2")
    stub = name.stub()
    stub.GetProject(ANY)
    going.stop(0)
    name.start("127.0.0.3")
    threading.Timer(1.0, name.means, ["127.0.0.3"]).start()

    assert stub.GetProject(ANY).project.name == f"127.0.0.3:{name.port}"


def test_a_process_that_comes_later_is_found_at_the_connections_age(name: Name) -> None:
    name.start("127.0.0.2", age=0.5)
    name.means("127.0.0.2")
    with Load(name.stub()) as load:
        load.reaches(f"127.0.0.2:{name.port}")
        name.start("127.0.0.3", age=0.5)
        name.means("127.0.0.2", "127.0.0.3")
        load.reaches(f"127.0.0.2:{name.port}", f"127.0.0.3:{name.port}")

    assert load.failures == []


def test_no_reading_call_fails_when_a_process_is_killed(name: Name) -> None:
    victim = name.spawn("127.0.0.2")
    name.spawn("127.0.0.3")
    name.means("127.0.0.2", "127.0.0.3")
    with Load(name.stub()) as load:
        load.reaches(f"127.0.0.2:{name.port}", f"127.0.0.3:{name.port}")
        os.kill(victim.pid, signal.SIGKILL)
        load.reaches(f"127.0.0.3:{name.port}")

    assert load.failures == []


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers ask for a sign of life after half a second, and wait a second for it."""
    answered = {"grpc.keepalive_timeout_ms": 1000, "grpc.http2.ping_timeout_ms": 1000}
    quicker = {"grpc.keepalive_time_ms": 500, **answered}
    monkeypatch.setattr(channel, "CONNECTING", tuple({**dict(channel.CONNECTING), **quicker}.items()))


@pytest.mark.usefixtures("impatient")
def test_a_process_that_stands_still_costs_no_reading_call_its_answer(name: Name) -> None:
    victim = name.spawn("127.0.0.2")
    name.spawn("127.0.0.3")
    name.means("127.0.0.2", "127.0.0.3")
    with Load(name.stub()) as load:
        load.reaches(f"127.0.0.2:{name.port}", f"127.0.0.3:{name.port}")
        os.kill(victim.pid, signal.SIGSTOP)
        name.means("127.0.0.3")
        load.all_are_answered()

    assert load.failures == []


@pytest.mark.usefixtures("impatient")
def test_a_call_that_takes_long_is_waited_for_while_its_server_lives(
    name: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LEAST_PING_SECONDS", 0.1)
    name.start("127.0.0.2")
    name.means("127.0.0.2")

    created = name.stub().CreateProject(api.CreateProjectRequest(project_id="4"))

    assert created.project.name == f"127.0.0.2:{name.port}"


def test_a_call_that_may_have_changed_something_is_not_sent_twice(name: Name) -> None:
    victim = name.spawn("127.0.0.2")
    name.means("127.0.0.2")
    stub = name.stub()
    stub.GetProject(ANY)
    failures: list[FairleadError] = []

    def create() -> None:
        try:
            stub.CreateProject(api.CreateProjectRequest(project_id="30"))
        except FairleadError as error:
            failures.append(error)

    caller = threading.Thread(target=create)
    caller.start()
    time.sleep(0.3)
    name.start("127.0.0.3")
    name.means("127.0.0.3")
    os.kill(victim.pid, signal.SIGKILL)
    caller.join(10)

    assert [type(failure) for failure in failures] == [Unavailable]


def test_a_name_behind_which_nobody_is_for_long_is_told_of_without_waiting_on(name: Name) -> None:
    name.means("127.0.0.2")
    stub = ProjectServiceStub(connect(name.names.target(name.port), token=TOKEN, timeout=30, patience=0.5))

    for _ in range(2):
        with pytest.raises(Unavailable, match="backends failing"):
            stub.GetProject(ANY)
    name.start("127.0.0.2")
    waiting.until(lambda: answers(stub), "the name's first process")


def answers(stub: ProjectServiceStub) -> bool:
    try:
        stub.GetProject(ANY)
    except Unavailable:
        return False
    return True
