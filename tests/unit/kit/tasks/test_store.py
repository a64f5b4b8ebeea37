from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from google.protobuf.wrappers_pb2 import Int64Value, StringValue
from sqlalchemy import Engine, text

from fairlead.api.events.v1.events_pb2 import TaskEvent, TrainProgress
from fairlead.api.tasks.v1.task_pb2 import (
    TASK_STATE_CANCELLED,
    TASK_STATE_FAILED,
    TASK_STATE_PENDING,
    TASK_STATE_RUNNING,
    TASK_STATE_SUCCEEDED,
    LogLine,
    Task,
    TaskState,
)
from fairlead.kit.errors import (
    AlreadyExists,
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    Unavailable,
)
from fairlead.kit.events import EventLog, open_event_log, topics
from fairlead.kit.resources import parse_name, require_id
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import TaskStore

Told = Callable[[str], list[Task]]


def made(store: TaskStore, kind: str = "echo") -> str:
    return store.create("shop", kind, StringValue(value="x")).name


def test_a_new_task_is_pending_and_told_of(store: TaskStore, told: Told) -> None:
    task = store.create("shop", "echo", StringValue(value="x"), parent_task="projects/shop/tasks/w", resource="r")

    ids = parse_name("projects/{project}/tasks/{task}", task.name)
    assert (ids["project"], require_id(ids["task"], "task")) == ("shop", ids["task"])
    assert (task.kind, task.owner, task.state, task.attempt) == ("echo", "kit", TASK_STATE_PENDING, 0)
    assert (task.parent_task, task.resource) == ("projects/shop/tasks/w", "r")
    assert task.HasField("create_time") and not task.HasField("start_time")
    assert told(task.name) == [task]


def test_the_same_request_makes_one_task(store: TaskStore, told: Told) -> None:
    first = store.create("shop", "echo", StringValue(value="x"), request_id="r1")

    assert store.create("shop", "echo", StringValue(value="x"), request_id="r1") == first
    assert store.create("other", "echo", StringValue(value="x"), request_id="r1").name != first.name
    assert store.create("shop", "echo", StringValue(value="x")).name != first.name
    assert len(told(first.name)) == 1


@pytest.mark.parametrize(
    ("kind", "request_message"),
    [("other", StringValue(value="x")), ("echo", StringValue(value="y")), ("echo", Int64Value())],
)
def test_a_request_id_can_not_be_used_for_something_else(
    store: TaskStore, kind: str, request_message: StringValue | Int64Value
) -> None:
    store.create("shop", "echo", StringValue(value="x"), request_id="r1")

    with pytest.raises(AlreadyExists, match="r1"):
        store.create("shop", kind, request_message, request_id="r1")


def test_many_callers_with_one_request_id_get_one_task(store: TaskStore) -> None:
    names: list[str] = []
    callers = [
        threading.Thread(
            target=lambda: names.append(store.create("shop", "echo", StringValue(), request_id="same").name)
        )
        for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert len(names) == 8
    assert len(set(names)) == 1


def test_a_project_needs_a_proper_id(store: TaskStore) -> None:
    with pytest.raises(InvalidArgument, match="project"):
        store.create("No Such", "echo", StringValue())


def test_the_request_comes_back_as_what_it_was(store: TaskStore) -> None:
    name = made(store)

    assert store.request(name, StringValue).value == "x"
    with pytest.raises(FailedPrecondition, match="Int64Value"):
        store.request(name, Int64Value)


def test_what_is_not_there_is_not_found(store: TaskStore) -> None:
    absent = "projects/shop/tasks/absent"
    for call in (store.get, store.cancel, store.start, store.traceparent):
        with pytest.raises(NotFound, match="absent"):
            call(absent)
    with pytest.raises(NotFound, match="absent"):
        store.fact(absent, TrainProgress())
    with pytest.raises(InvalidArgument, match="projects"):
        store.get("absent")


def test_a_task_of_another_project_is_not_found(store: TaskStore) -> None:
    name = made(store)

    with pytest.raises(NotFound):
        store.get(name.replace("projects/shop", "projects/other"))


def test_a_task_is_found_by_its_id_alone(store: TaskStore) -> None:
    name = made(store)
    anywhere = f"projects/-/tasks/{name.rpartition('/')[2]}"

    assert store.get(anywhere).name == name
    with pytest.raises(NotFound):
        store.get("projects/-/tasks/absent")
    with pytest.raises(NotFound):
        store.cancel(anywhere)


def test_a_task_runs_to_its_result(store: TaskStore, told: Told) -> None:
    name = made(store)
    store.start(name)
    store.progress(name, 0.25, "fit")
    store.succeed(name, Int64Value(value=7), resource="projects/shop/runs/1")

    task = store.get(name)
    result = Int64Value()
    assert task.result.Unpack(result)
    assert (task.state, task.progress, task.stage, result.value) == (TASK_STATE_SUCCEEDED, 1.0, "fit", 7)
    assert task.resource == "projects/shop/runs/1"
    assert task.start_time.ToDatetime() <= task.end_time.ToDatetime()
    assert [(step.state, step.progress) for step in told(name)] == [
        (TASK_STATE_PENDING, 0.0),
        (TASK_STATE_RUNNING, 0.0),
        (TASK_STATE_RUNNING, 0.25),
        (TASK_STATE_SUCCEEDED, 1.0),
    ]


def test_a_failure_keeps_its_code_and_says_which_fields(
    store: TaskStore, lines: Callable[[str], list[LogLine]]
) -> None:
    name = made(store)
    store.fail(name, InvalidArgument("the file is empty", violations=[FieldViolation("file", "has 0 bytes")]))

    task = store.get(name)
    assert (task.state, task.error_code) == (TASK_STATE_FAILED, "INVALID_ARGUMENT")
    assert task.error == "the file is empty (file: has 0 bytes)"
    assert [line.message for line in lines(name)] == [task.error]


def ended_by_success(store: TaskStore, name: str) -> None:
    store.succeed(name, None)


def ended_by_failure(store: TaskStore, name: str) -> None:
    store.fail(name, Unavailable("away"))


def ended_by_cancel(store: TaskStore, name: str) -> None:
    store.cancel(name)


@pytest.mark.parametrize("end", [ended_by_success, ended_by_failure, ended_by_cancel])
def test_an_end_is_for_good(store: TaskStore, told: Told, end: Callable[[TaskStore, str], None]) -> None:
    name = made(store)
    store.start(name)
    end(store, name)
    ended, events_told = store.get(name), told(name)

    store.start(name)
    store.progress(name, 0.3, "again")
    assert not store.requeue(name)
    assert not store.succeed(name, StringValue(value="late"))
    assert not store.fail(name, Unavailable("late"))
    assert store.cancel(name) == ended
    assert (store.get(name), told(name)) == (ended, events_told)


def test_of_many_that_end_a_task_at_once_one_wins(store: TaskStore, told: Told) -> None:
    names = [made(store) for _ in range(10)]
    ends = (ended_by_success, ended_by_failure, ended_by_cancel)
    racers = [threading.Thread(target=end, args=(store, name)) for name in names for end in ends]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    for name in names:
        # Events are published under the row's lock: the last one told is how the task stands.
        assert [task.state for task in told(name)] == [TASK_STATE_PENDING, store.get(name).state]


def test_a_pending_task_can_be_cancelled(store: TaskStore) -> None:
    name = made(store)

    cancelled = store.cancel(name)

    assert (cancelled.state, cancelled.attempt) == (TASK_STATE_CANCELLED, 0)
    assert cancelled.HasField("end_time")


def test_an_older_attempt_changes_nothing(store: TaskStore) -> None:
    name = made(store)
    older = store.start(name)
    newer = store.start(name)

    assert (older.attempt, newer.attempt) == (1, 2)
    store.progress(name, 0.9, attempt=older.attempt)
    assert not store.succeed(name, None, attempt=older.attempt)
    assert not store.fail(name, Unavailable("late"), attempt=older.attempt)
    assert store.get(name) == newer
    assert store.succeed(name, None, attempt=newer.attempt)


def test_an_attempt_that_has_passed_is_not_made_pending(store: TaskStore) -> None:
    name = made(store)
    store.start(name)
    newer = store.start(name)

    assert not store.requeue(name, attempt=1)
    assert store.get(name) == newer


def test_what_was_told_is_told_again_as_the_same_event(store: TaskStore, events: EventLog) -> None:
    name = made(store)
    store.fail(name, Unavailable("away"))
    store.tell_again(name)

    _created, failed, again = events.replay(topics.TASKS, key=name)
    assert (failed.id, failed.unpack(TaskEvent)) == (again.id, again.unpack(TaskEvent))
    assert len(list(events.replay(topics.LOGS, key=name))) == 1


def test_starting_again_begins_from_nothing(store: TaskStore) -> None:
    name = made(store)
    store.start(name)
    store.progress(name, 0.7, "fit", resource="r")
    assert store.requeue(name)
    assert store.get(name).state == TASK_STATE_PENDING

    again = store.start(name)

    assert (again.state, again.attempt, again.progress, again.stage) == (TASK_STATE_RUNNING, 2, 0.0, "")
    assert again.resource == "r"


def test_much_progress_makes_few_events_and_loses_neither_first_nor_last(store: TaskStore, told: Told) -> None:
    name = made(store)
    store.start(name)
    for step in range(1, 2001):
        store.progress(name, step / 2002, f"step {step}")
    store.fail(name, Unavailable("away"))

    values = [task.progress for task in told(name) if task.state == TASK_STATE_RUNNING]
    assert values[:2] == [0.0, 1 / 2002]
    assert values == sorted(values)
    assert len(values) < 200
    assert (store.get(name).progress, store.get(name).stage) == (2000 / 2002, "step 2000")


def test_the_last_progress_of_a_burst_is_told_while_the_work_goes_on(
    store: TaskStore, told: Told, eventually: Callable[[Callable[[], object]], None]
) -> None:
    name = made(store)
    store.start(name)
    for value in (0.1, 0.2, 0.3):
        store.progress(name, value)

    eventually(lambda: told(name)[-1].progress == 0.3)


@pytest.mark.parametrize(("given", "kept"), [(-1.0, 0.0), (2.0, 1.0), (0.5, 0.5)])
def test_progress_is_a_share(store: TaskStore, given: float, kept: float) -> None:
    name = made(store)
    store.start(name)
    store.progress(name, given, resource="told at once")

    assert store.get(name).progress == kept


def test_an_empty_stage_leaves_the_one_there_is(store: TaskStore) -> None:
    name = made(store)
    store.start(name)
    store.progress(name, 0.1, "fit", resource="r")
    store.progress(name, 1.0)

    assert (store.get(name).stage, store.get(name).resource) == ("fit", "r")


def test_a_fact_is_told_beside_the_state(store: TaskStore, events: EventLog) -> None:
    name = made(store)
    store.start(name)
    store.fact(name, TrainProgress(trials_done=3, family="forest"))

    told = [event.unpack(TaskEvent) for event in events.replay(topics.TASKS, key=name)]
    assert [event.WhichOneof("fact") for event in told] == [None, None, "train_progress"]
    assert told[-1].train_progress.trials_done == 3
    assert told[-1].task == store.get(name)


def test_pages_hold_every_task_once_newest_first(store: TaskStore) -> None:
    names = [made(store) for _ in range(7)]
    store.create("other", "echo", StringValue())

    seen: list[str] = []
    token = ""
    while True:
        page, token = store.list("projects/shop", 3, token)
        seen += [task.name for task in page]
        if not token:
            break

    assert seen == names[::-1]
    assert store.list("projects/empty") == ([], "")
    with pytest.raises(InvalidArgument, match="page_token"):
        store.list("projects/shop", 3, "???")


def test_a_page_that_is_just_full_is_the_last(store: TaskStore) -> None:
    made(store), made(store)

    page, token = store.list("projects/shop", 2)

    assert (len(page), token) == (2, "")


def test_unfinished_tasks_are_this_owners_oldest_first(store: TaskStore, engine: Engine, events: EventLog) -> None:
    names = [made(store) for _ in range(3)]
    store.cancel(names[1])
    store.start(names[2])
    made(TaskStore(engine, events, "someone"))

    assert [task.name for task in store.unfinished()] == [names[0], names[2]]


@pytest.mark.parametrize(
    ("end", "state", "said"),
    [(ended_by_cancel, TASK_STATE_CANCELLED, []), (ended_by_failure, TASK_STATE_FAILED, ["away"])],
)
def test_what_was_committed_and_not_published_is_told_later(
    store: TaskStore,
    engine: Engine,
    settings: KitSettings,
    told: Told,
    lines: Callable[[str], list[LogLine]],
    end: Callable[[TaskStore, str], None],
    state: TaskState.ValueType,
    said: list[str],
) -> None:
    name = made(store)
    closed = open_event_log(settings.events_url, source="kit")
    closed.close()
    end(TaskStore(engine, closed, "kit"), name)
    assert store.get(name).state == state
    assert [task.state for task in told(name)] == [TASK_STATE_PENDING]

    store.publish_missed()
    store.publish_missed()

    assert [task.state for task in told(name)] == [TASK_STATE_PENDING, state]
    assert [line.message for line in lines(name)] == said


def test_times_are_kept_as_moments_in_utc(store: TaskStore, engine: Engine) -> None:
    task = store.create("shop", "echo", StringValue())

    with engine.connect() as connection:
        kept = connection.scalar(text("SELECT create_time FROM tasks"))
    assert str(kept).startswith(task.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S"))


@pytest.mark.parametrize("field", ["request_id", "parent_task"])
def test_a_text_that_no_column_takes_is_refused(store: TaskStore, field: str) -> None:
    with pytest.raises(InvalidArgument, match="at most 255 characters") as refused:
        store.create("shop", "echo", StringValue(), **{field: "x" * 256})
    assert [violation.field for violation in refused.value.violations] == [field]
