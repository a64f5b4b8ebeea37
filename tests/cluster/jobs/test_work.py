"""Work of a task in a pod of its own: what comes of it, and how it is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_CANCELLED, TASK_STATE_FAILED, TASK_STATE_SUCCEEDED, Task
from fairlead.kit.tasks import TaskStore
from tests.cluster.commands import kubectl
from tests.cluster.jobs.conftest import Begin, NewOwner, result_of
from tests.cluster.jobs.place import Place
from tests.waiting import until

CANCEL_SECONDS = 10.0


def test_work_runs_in_a_pod_and_leaves_its_result(
    new_owner: NewOwner,
    store: TaskStore,
    begin: Begin,
    ended: Callable[[Task], Task],
    lines: Callable[[Task], list[str]],
    place: Place,
    gate: Path,
) -> None:
    task = begin(new_owner(store))

    until(lambda: store.get(task.name).stage == "waiting", "progress")
    (job,) = place.jobs(task.name)
    assert (
        job["metadata"]["labels"] | {"fairlead/kind": "wait", "fairlead/project": "shop"} == job["metadata"]["labels"]
    )
    assert place.pod(task.name).startswith(job["metadata"]["name"])
    gate.touch()

    done = ended(task)
    assert (done.state, done.attempt, result_of(done)) == (TASK_STATE_SUCCEEDED, 1, "attempt 1")
    assert lines(task) == ["the work is under way"]


def test_the_last_lines_of_failed_work_are_in_the_log_of_the_service(
    new_owner: NewOwner,
    store: TaskStore,
    begin: Begin,
    ended: Callable[[Task], Task],
    place: Place,
    capfd: pytest.CaptureFixture[str],
) -> None:
    task = begin(new_owner(store), "defect", under_way=False)

    failed = ended(task)
    assert (failed.state, failed.error_code) == (TASK_STATE_FAILED, "INTERNAL")
    assert "a detail of the machine" not in failed.error
    written = [""]

    def captured() -> bool:
        written[0] += "".join(capfd.readouterr())
        return "last_lines" in written[0]

    until(captured, "the log")
    assert "a detail of the machine" in written[0]
    until(lambda: place.jobs(task.name)[0]["status"].get("failed") == 1, "the failed Job")


@pytest.mark.parametrize("kind", ["wait", "stubborn"])
def test_cancelled_works_pod_is_gone_within_ten_seconds(
    new_owner: NewOwner, store: TaskStore, begin: Begin, place: Place, kind: str
) -> None:
    owner = new_owner(store)
    task = begin(owner, kind)
    assert place.pods(task.name)

    cancelled = owner.cancel(task.name)

    began = time.monotonic()
    until(lambda: not place.pods(task.name), "the end of the pod", CANCEL_SECONDS)
    print(f"{kind}: the pod was gone {time.monotonic() - began:.1f} s after cancel")
    assert cancelled.state == store.get(task.name).state == TASK_STATE_CANCELLED
    until(lambda: not place.jobs(task.name), "the end of the Job")


def test_work_is_stopped_by_a_process_that_does_not_follow_it(
    new_owner: NewOwner, new_store: Callable[[], TaskStore], store: TaskStore, begin: Begin, place: Place
) -> None:
    task = begin(new_owner(store))

    new_owner(new_store()).cancel(task.name)

    until(lambda: not place.pods(task.name), "the end of the pod", CANCEL_SECONDS)
    assert store.get(task.name).state == TASK_STATE_CANCELLED


def test_a_job_goes_with_the_object_it_belongs_to(
    new_owner: NewOwner, store: TaskStore, begin: Begin, place: Place
) -> None:
    kubectl("create", "configmap", "owner", "--namespace", place.namespace)
    owner = new_owner(store, owner="owner")
    task = begin(owner)
    # As its service does when all is uninstalled; work that is taken away from a service is done again.
    owner.close()

    kubectl("delete", "configmap", "owner", "--namespace", place.namespace)

    until(lambda: not place.jobs(task.name) and not place.pods(task.name), "the end of the Job")
