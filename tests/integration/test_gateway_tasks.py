"""The gateway over real sockets: tasks, their logs, and streams that replay and then follow."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from fairlead.api.conductor.v1.workflow_pb2 import Stage
from fairlead.api.events.v1.events_pb2 import StageStatus, TrainProgress
from fairlead.api.serving.v1.prediction_service_pb2 import BatchPrediction
from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.api.trainer.v1.run_pb2 import Run
from fairlead.api.trainer.v1.run_service_pb2 import CreateRunRequest
from fairlead.kit.errors import InvalidArgument
from services.gateway.adapters.services import TASK_OWNERS
from tests.unit.gateway.running import TOKEN, Running, running_gateway

P = "/api/v1/projects/default"
Message = dict[str, Any]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


def new_task(gateway: Running, kind: str = "train", parent: str = "") -> Task:
    request = CreateRunRequest(parent="projects/default")
    return gateway.peers.store.create("default", kind, request, parent_task=parent)


def id_of(task: Task) -> str:
    return task.name.rpartition("/")[2]


def work(gateway: Running, task: Task, first: int = 0, last: int = 3) -> None:
    store = gateway.peers.store
    store.start(task.name)
    for index in range(first, last):
        store.log(task.name, "INFO", "train.fit", f"trial {index}", trial=index)
    store.fact(task.name, TrainProgress(run="projects/default/runs/r", trials_done=last, metric="r2"))


def until(condition: Callable[[], Any]) -> Any:
    """Return what the condition gives once it gives something."""
    for _ in range(400):
        found = condition()
        if found:
            return found
        time.sleep(0.025)
    raise AssertionError("it did not come about")


def events(gateway: Running, task: Task, **headers: str) -> Iterator[Message]:
    """Yield a task's server-sent events, comments as {"comment": text}."""
    with gateway.http.stream("GET", f"{P}/tasks/{id_of(task)}/events", headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))
            elif line.startswith(":"):
                yield {"type": "COMMENT", "comment": line}


def what_happened(messages: list[Message]) -> list[str]:
    """Return each message in a word: a line's text, a task's state, or the type."""
    words: list[str] = []
    for message in messages:
        if message["type"] == "LOG":
            words.append(message["log"]["message"])
        elif message["type"] == "TASK":
            words.append(message["task"]["state"])
        elif message["type"] != "COMMENT":
            words.append(message["type"])
    return words


HISTORY = ["pending", "running", "trial 0", "trial 1", "trial 2", "TRAIN_PROGRESS", "succeeded"]


def test_a_task_is_there_at_once_and_then_as_it_stands(gateway: Running) -> None:
    task = new_task(gateway)
    at_once = gateway.json("GET", f"{P}/tasks/{id_of(task)}")
    by_id = gateway.json("GET", f"/api/v1/tasks/{id_of(task)}")
    gateway.peers.store.succeed(task.name, Run(name="projects/default/runs/r", metrics={"r2": 0.8}))
    done = until(lambda: (t := gateway.json("GET", f"{P}/tasks/{id_of(task)}"))["state"] == "succeeded" and t)

    assert at_once["name"] == by_id["name"] == task.name
    assert done["result"]["@type"] == "fairlead.api.trainer.v1.Run"
    assert done["result"]["metrics"] == {"r2": 0.8}


def test_an_unknown_id_costs_one_question_to_each_owner(gateway: Running) -> None:
    before = len(gateway.peers.asked)

    assert gateway.json("GET", "/api/v1/tasks/nope", 404)["code"] == "NOT_FOUND"
    assert len(gateway.peers.asked) - before == len(TASK_OWNERS)


def test_a_failed_task_says_why(gateway: Running) -> None:
    task = new_task(gateway)
    gateway.peers.store.fail(task.name, InvalidArgument("line 7: 3 fields where 2 are expected"))
    failed = until(lambda: (t := gateway.json("GET", f"{P}/tasks/{id_of(task)}"))["state"] == "failed" and t)

    assert (failed["error"], failed["error_code"]) == ("line 7: 3 fields where 2 are expected", "INVALID_ARGUMENT")


def test_tasks_are_listed_by_kind_state_and_parent(gateway: Running) -> None:
    parent = new_task(gateway, "workflow")
    child = new_task(gateway, "profile", parent.name)

    def names(**params: str) -> list[str]:
        return [item["name"] for item in gateway.json("GET", f"{P}/tasks", params=params)["items"]]

    assert until(lambda: names(kind="profile")) == [child.name]
    assert names(parent=id_of(parent), state="pending") == [child.name]
    assert child.name not in names(state="failed")
    gateway.json("GET", f"{P}/tasks", 400, params={"state": "sleeping"})


def test_a_task_is_cancelled_through_its_owner(gateway: Running) -> None:
    task, other = new_task(gateway), new_task(gateway)

    assert gateway.json("POST", f"{P}/tasks/{id_of(task)}:cancel")["state"] == "cancelled"
    assert gateway.json("POST", f"/api/v1/tasks/{id_of(other)}:cancel")["state"] == "cancelled"
    gateway.json("POST", f"{P}/tasks/nope:cancel", 404)


def test_logs_are_given_as_json_and_as_text(gateway: Running) -> None:
    task = new_task(gateway)
    work(gateway, task)
    path = f"{P}/tasks/{id_of(task)}/logs"
    lines = until(lambda: len(found := gateway.json("GET", path)["items"]) == 3 and found)
    text = gateway.http.get(path, params={"format": "text"})
    accepted = gateway.http.get(f"/api/v1/tasks/{id_of(task)}/logs", headers={"Accept": "text/plain"})

    assert [line["message"] for line in lines] == ["trial 0", "trial 1", "trial 2"]
    assert (lines[1]["level"], lines[1]["source"], lines[1]["meta"]) == ("INFO", "train.fit", {"trial": 1})
    assert text.headers["content-disposition"] == f'attachment; filename="{id_of(task)}.log"'
    first = text.text.splitlines()[0]
    assert first == f"INFO {lines[0]['time'][:19]}Z | train.fit | trial 0"
    assert accepted.text == text.text
    assert accepted.headers["content-type"].startswith("text/plain")


def test_a_stream_replays_what_happened_and_ends_with_the_end(gateway: Running) -> None:
    task = new_task(gateway)
    work(gateway, task)
    gateway.peers.store.succeed(task.name, None)
    messages = list(events(gateway, task))

    assert what_happened(messages) == HISTORY
    assert [message["offset"] for message in messages] == sorted(message["offset"] for message in messages)
    assert messages[-2]["train_progress"]["trials_done"] == 3


def test_a_stream_follows_what_happens(gateway: Running) -> None:
    task = new_task(gateway)
    stream = events(gateway, task)
    seen = [next(stream)]
    work(gateway, task)
    while seen[-1]["type"] != "TRAIN_PROGRESS":
        seen.append(next(stream))
    gateway.peers.store.succeed(task.name, None)
    seen += list(stream)

    assert what_happened(seen) == HISTORY


def test_a_stream_gives_signs_of_life(gateway: Running) -> None:
    task = new_task(gateway)
    stream = events(gateway, task)

    assert next(message for message in stream if message["type"] == "COMMENT")["comment"] == ": heartbeat"


def test_a_stream_is_taken_up_again_where_it_broke(gateway: Running) -> None:
    task = new_task(gateway)
    work(gateway, task)
    gateway.peers.store.succeed(task.name, None)
    whole = list(events(gateway, task))
    rest = list(events(gateway, task, **{"Last-Event-ID": str(whole[2]["offset"])}))
    last = {"Last-Event-ID": str(whole[-1]["offset"])}
    done = gateway.http.get(f"/api/v1/tasks/{id_of(task)}/events", headers=last)

    assert rest == whole[3:]
    assert done.status_code == 204


def test_a_stage_of_a_workflow_is_told(gateway: Running) -> None:
    task = new_task(gateway, "workflow")
    gateway.peers.store.start(task.name)
    gateway.peers.store.fact(task.name, StageStatus(workflow="w", stage=Stage(id="train", summary="lightgbm-3 leads")))
    gateway.peers.store.succeed(task.name, None)
    told = [message for message in events(gateway, task) if message["type"] == "STAGE_STATUS"]

    assert told[0]["stage_status"]["stage"]["summary"] == "lightgbm-3 leads"


def socket_url(gateway: Running, path: str) -> str:
    return gateway.url.replace("http", "ws") + path


@pytest.mark.parametrize("path", ["/api/v1/ws/tasks/{}", "/api/v1/ws/projects/default/tasks/{}"])
def test_a_socket_replays_and_follows_until_the_end(gateway: Running, path: str) -> None:
    task = new_task(gateway)
    work(gateway, task, 0, 1)
    url = socket_url(gateway, path.format(id_of(task)))
    with connect(url, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as socket:
        first = [json.loads(socket.recv(10)) for _ in range(4)]
        gateway.peers.store.log(task.name, "INFO", "train.fit", "later")
        gateway.peers.store.succeed(task.name, None)
        rest = [json.loads(message) for message in socket]

    assert what_happened(first) == ["pending", "running", "trial 0", "TRAIN_PROGRESS"]
    assert what_happened(rest) == ["later", "succeeded"]
    assert socket.close_code == 1000


def test_a_socket_opens_with_a_token_in_the_address_and_after_an_offset(gateway: Running) -> None:
    task = new_task(gateway)
    gateway.peers.store.succeed(task.name, None)
    whole = list(events(gateway, task))
    query = f"?access_token={TOKEN}&after={whole[0]['offset']}"
    with connect(socket_url(gateway, f"/api/v1/ws/tasks/{id_of(task)}{query}")) as socket:
        assert [json.loads(message) for message in socket] == whole[1:]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Cookie": f"fairlead_session={TOKEN}"}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 404),
    ],
)
def test_a_socket_is_refused_with_a_problem_document(gateway: Running, headers: dict[str, str], status: int) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(socket_url(gateway, "/api/v1/ws/tasks/nope"), additional_headers=headers),
    ):
        pass

    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body or b"")["status"] == status


@pytest.mark.parametrize("origin", [{}, {"Origin": "http://evil.example"}])
def test_a_socket_of_a_signed_in_browser_opens_from_this_servers_pages_only(
    gateway: Running, origin: dict[str, str]
) -> None:
    with httpx.Client(base_url=gateway.url) as browser:
        browser.get("/login", params={"token": TOKEN})
        headers = {"Cookie": f"fairlead_session={browser.cookies['fairlead_session']}"}
    url = socket_url(gateway, "/api/v1/ws/tasks/nope")
    with pytest.raises(InvalidStatus) as foreign, connect(url, additional_headers={**headers, **origin}):
        pass
    with pytest.raises(InvalidStatus) as own, connect(url, additional_headers={**headers, "Origin": gateway.url}):
        pass

    assert foreign.value.response.status_code == 403
    assert own.value.response.status_code == 404


def test_many_followers_are_served_at_once(gateway: Running) -> None:
    task = new_task(gateway)
    seen: list[list[str]] = []

    def follow() -> None:
        url = f"{gateway.url}{P}/tasks/{id_of(task)}/events"
        with httpx.stream("GET", url, headers=gateway.http.headers, timeout=20) as answer:
            lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
        seen.append(what_happened([json.loads(line.removeprefix("data: ")) for line in lines]))

    followers = [threading.Thread(target=follow) for _ in range(60)]
    for follower in followers:
        follower.start()
    work(gateway, task)
    # More than there are threads for calls: a stream must not hold one.
    assert gateway.json("GET", f"{P}/models")["items"]
    gateway.peers.store.succeed(task.name, None)
    for follower in followers:
        follower.join()

    assert seen == [HISTORY] * 60


def test_the_file_of_a_batch_is_downloaded(gateway: Running) -> None:
    task, other = new_task(gateway, "batch_predict"), new_task(gateway)
    gateway.json("GET", f"{P}/tasks/{id_of(task)}/result", 400)
    blob = gateway.blobs.put_bytes(b"age,prediction\n39,no\n")
    gateway.peers.store.succeed(task.name, BatchPrediction(result_blob=blob.key, format="csv", row_count=1))
    gateway.peers.store.succeed(other.name, Run())
    file = until(lambda: (f := gateway.http.get(f"{P}/tasks/{id_of(task)}/result")).status_code == 200 and f)
    until(lambda: gateway.json("GET", f"{P}/tasks/{id_of(other)}")["state"] == "succeeded")

    assert file.text == "age,prediction\n39,no\n"
    assert f'filename="predictions-{id_of(task)}.csv"' in file.headers["content-disposition"]
    assert "makes no file" in gateway.json("GET", f"{P}/tasks/{id_of(other)}/result", 400)["detail"]


def test_the_rows_that_a_batch_left_out_are_downloaded(gateway: Running) -> None:
    task, clean = new_task(gateway, "batch_predict"), new_task(gateway, "batch_predict")
    blob, told = gateway.blobs.put_bytes(b'{"age": 39}\n'), gateway.blobs.put_bytes(b"row,column,reason,value\n")
    made = BatchPrediction(result_blob=blob.key, format="jsonl", row_count=1, rejected_blob=told.key)
    gateway.peers.store.succeed(task.name, made)
    gateway.peers.store.succeed(clean.name, BatchPrediction(result_blob=blob.key, format="csv", row_count=1))
    path = f"{P}/tasks/{id_of(task)}/result"
    file = until(lambda: (f := gateway.http.get(path)).status_code == 200 and f)
    rejected = gateway.http.get(path, params={"file": "rejected"})
    until(lambda: gateway.json("GET", f"{P}/tasks/{id_of(clean)}")["state"] == "succeeded")

    assert file.headers["content-type"] == "application/x-ndjson"
    assert rejected.text == "row,column,reason,value\n"
    assert f'filename="rejected-{id_of(task)}.csv"' in rejected.headers["content-disposition"]
    none = gateway.json("GET", f"{P}/tasks/{id_of(clean)}/result?file=rejected", 400)
    assert "has left out no row" in none["detail"]
