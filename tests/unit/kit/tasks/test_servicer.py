"""TaskService through a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from fairlead.api.tasks.v1 import task_service_pb2 as api
from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_PENDING
from fairlead.api.tasks.v1.task_service_pb2_grpc import TaskServiceStub, add_TaskServiceServicer_to_server
from fairlead.kit.errors import NotFound
from fairlead.kit.rpc.channel import connect
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import TaskServicer, TaskStore


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One kind of database will do: the store's own tests see to the others."""
    return f"sqlite:///{tmp_path}/service.db"


@pytest.fixture
def stub(store: TaskStore, settings: KitSettings) -> Iterator[TaskServiceStub]:
    served = settings.model_copy(update={"service_token": type(settings.service_token)("secret")})
    server = RpcServer(served, address="127.0.0.1:0")
    # A store cancels too: it suits whoever drives its tasks itself.
    descriptor = api.DESCRIPTOR.services_by_name["TaskService"]
    server.add(add_TaskServiceServicer_to_server, TaskServicer(store, store), descriptor)
    server.start()
    channel = connect(f"127.0.0.1:{server.port}", token="secret")
    yield TaskServiceStub(channel)
    channel.close()
    server.stop(0)


def test_a_task_is_shown_listed_and_cancelled(stub: TaskServiceStub, store: TaskStore) -> None:
    older, task = (store.create("shop", "echo", StringValue()) for _ in range(2))

    assert stub.GetTask(api.GetTaskRequest(name=task.name)).task == task
    first = stub.ListTasks(api.ListTasksRequest(parent="projects/shop", page_size=1))
    assert list(first.tasks) == [task]
    rest = stub.ListTasks(api.ListTasksRequest(parent="projects/shop", page_token=first.next_page_token))
    assert (list(rest.tasks), rest.next_page_token) == ([older], "")
    assert task.state == TASK_STATE_PENDING
    assert stub.CancelTask(api.CancelTaskRequest(name=task.name)).task.state == TASK_STATE_CANCELLED


def test_a_task_that_is_not_there_is_not_found(stub: TaskServiceStub) -> None:
    for call in (
        lambda: stub.GetTask(api.GetTaskRequest(name="projects/shop/tasks/absent")),
        lambda: stub.CancelTask(api.CancelTaskRequest(name="projects/shop/tasks/absent")),
    ):
        with pytest.raises(NotFound, match="absent"):
            call()
