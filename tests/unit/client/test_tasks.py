from __future__ import annotations

import httpx
import pytest

from fairlead import ApiError, Client, TaskFailed
from tests.unit.client.messages import logged, staged, task, told, trial
from tests.unit.client.stage import PROJECT, Answer, Stage, calls, events, page, problem

EVENTS = "GET /tasks/t1/events"


def test_following_yields_everything_until_the_end(stage: Stage, client: Client) -> None:
    messages = [told(1), logged(2, "fitting"), trial(3, 0.9), staged(4, "train", "succeeded"), told(5, "succeeded")]
    stage.answer(EVENTS, events(*messages))

    assert [*client.tasks.follow("projects/default/tasks/t1")] == messages
    assert stage.last.headers["accept"] == "text/event-stream"


@pytest.mark.parametrize("cut", [True, False])
def test_a_lost_stream_is_taken_up_where_it_broke(stage: Stage, client: Client, cut: bool) -> None:
    stage.answer(
        EVENTS,
        events(told(1), logged(2, "half"), cut=cut),
        problem(503, "UNAVAILABLE", "the gateway restarts"),
        events(logged(3, "whole"), told(4, "succeeded")),
    )

    assert [message["offset"] for message in client.tasks.follow("t1")] == [1, 2, 3, 4]
    assert [asked.headers["last-event-id"] for asked in stage.asked] == ["0", "2", "2"]


def test_an_unknown_task_ends_the_following(stage: Stage, client: Client) -> None:
    stage.answer(EVENTS, problem(404, "NOT_FOUND", "there is no task t1"))

    with pytest.raises(ApiError, match="no task"):
        next(client.tasks.follow("t1"))


def test_a_gateway_that_stays_away_ends_the_following(stage: Stage) -> None:
    stage.answer(EVENTS, events(told(1), cut=True))

    with Client(stage.url, "secret", reconnect_seconds=0.0) as client, pytest.raises(httpx.RemoteProtocolError):
        [*client.tasks.follow("t1")]


def test_waiting_returns_the_task_and_shows_every_message(stage: Stage, client: Client) -> None:
    stage.answer(EVENTS, events(told(1), logged(2, "fitting"), told(3, "succeeded", result={"row_count": 3})))
    seen: list[str] = []

    done = client.tasks.wait("t1", lambda message: seen.append(message["type"]))

    assert done["result"] == {"row_count": 3}
    assert seen == ["TASK", "LOG", "TASK"]


@pytest.mark.parametrize(
    ("state", "error", "sentence"),
    [("failed", "the file is no table", "the file is no table"), ("cancelled", "", "train was cancelled")],
)
def test_waiting_for_a_task_that_fails_raises(
    stage: Stage, client: Client, state: str, error: str, sentence: str
) -> None:
    stage.answer(EVENTS, events(told(1, state, error=error)))

    with pytest.raises(TaskFailed, match=sentence) as raised:
        client.tasks.wait("t1")

    assert raised.value.task["state"] == state


def test_tasks_are_listed_by_state_and_kind(stage: Stage, client: Client) -> None:
    stage.answer("GET /tasks", page(task()))

    assert client.tasks.list(state="running", kind="train") == [task()]
    assert stage.last.query == {"state": "running", "kind": "train", "page_size": "50"}


def test_a_log_is_read_whole_as_lines_or_as_text(stage: Stage, client: Client) -> None:
    line = logged(1, "fitting")["log"]
    stage.answer(
        "GET /tasks/t1/logs", page(line, token="next"), page(line), Answer(b"INFO now | fit | x\n", kind="text/plain")
    )

    assert client.tasks.logs("t1") == [line, line]
    assert client.tasks.logs_text("t1") == "INFO now | fit | x\n"
    assert stage.last.query == {"format": "text"}


def test_a_task_is_shown_and_cancelled(stage: Stage, client: Client) -> None:
    stage.answer("GET /tasks/t1", task())
    stage.answer("POST /tasks/t1:cancel", task("cancelled"))

    assert client.tasks.get("t1")["state"] == "running"
    assert client.tasks.cancel(f"{PROJECT}/tasks/t1")["state"] == "cancelled"
    assert calls(stage.asked) == ["GET /tasks/t1", "POST /tasks/t1:cancel"]
