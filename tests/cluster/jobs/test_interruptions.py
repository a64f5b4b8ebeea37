"""Pods and services come and go; the work goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_RUNNING, TASK_STATE_SUCCEEDED, Task
from fairlead.kit.settings import KitSettings
from fairlead.kit.tasks import TaskStore
from tests.cluster import node
from tests.cluster.commands import kubectl
from tests.cluster.jobs.conftest import START_SECONDS, Begin, NewOwner, attempt_file, result_of
from tests.cluster.jobs.place import Place
from tests.waiting import until

Ended = Callable[[Task], Task]
Lines = Callable[[Task], list[str]]


def goes_on(store: TaskStore, task: Task, gate: Path, ended: Ended) -> None:
    """The second attempt begins, in another pod, and ends well."""
    until(lambda: attempt_file(gate, 2).exists(), "the second attempt", START_SECONDS)
    gate.touch()
    done = ended(task)
    assert (done.state, done.attempt, result_of(done)) == (TASK_STATE_SUCCEEDED, 2, "attempt 2")


def test_a_deleted_pods_work_goes_on_in_another(
    new_owner: NewOwner, store: TaskStore, begin: Begin, place: Place, gate: Path, ended: Ended, lines: Lines
) -> None:
    task = begin(new_owner(store))

    kubectl("delete", "pod", place.pod(task.name), "--namespace", place.namespace, "--wait=false")

    goes_on(store, task, gate, ended)
    assert any("taken away" in line and "done again" in line for line in lines(task))


def test_an_evicted_pods_work_goes_on_in_another(
    new_owner: NewOwner, store: TaskStore, begin: Begin, place: Place, gate: Path, ended: Ended
) -> None:
    task = begin(new_owner(store))
    pod = place.pod(task.name)
    names = {"name": pod, "namespace": place.namespace}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": names}

    path = f"/api/v1/namespaces/{place.namespace}/pods/{pod}/eviction"
    kubectl("create", "--raw", path, "-f", "-", given=json.dumps(eviction))

    goes_on(store, task, gate, ended)


def test_a_killed_processs_work_goes_on_in_another_pod(
    new_owner: NewOwner, store: TaskStore, begin: Begin, place: Place, gate: Path, ended: Ended, lines: Lines
) -> None:
    task = begin(new_owner(store))

    assert node.kill(place.pods(task.name)[0])

    goes_on(store, task, gate, ended)
    assert any("killed (exit code 137)" in line for line in lines(task))


def test_a_deleted_jobs_work_goes_on_in_another(
    new_owner: NewOwner, store: TaskStore, begin: Begin, place: Place, gate: Path, ended: Ended
) -> None:
    task = begin(new_owner(store))
    (job,) = place.jobs(task.name)

    kubectl("delete", "job", job["metadata"]["name"], "--namespace", place.namespace, "--wait=false")

    goes_on(store, task, gate, ended)


def test_work_goes_on_under_the_owner_that_follows(
    new_owner: NewOwner,
    new_store: Callable[[], TaskStore],
    store: TaskStore,
    begin: Begin,
    place: Place,
    gate: Path,
    ended: Ended,
) -> None:
    first = new_owner(store)
    task = begin(first)
    pod = place.pod(task.name)
    first.close()
    assert store.get(task.name).state == TASK_STATE_RUNNING

    new_owner(new_store()).recover()
    assert place.pod(task.name) == pod
    gate.touch()

    done = ended(task)
    assert (done.state, done.attempt, result_of(done)) == (TASK_STATE_SUCCEEDED, 1, "attempt 1")


def test_what_happens_to_work_while_no_owner_is_there_is_seen_by_the_next(
    new_owner: NewOwner,
    new_store: Callable[[], TaskStore],
    store: TaskStore,
    begin: Begin,
    place: Place,
    gate: Path,
    ended: Ended,
) -> None:
    first = new_owner(store)
    task = begin(first)
    first.close()
    kubectl("delete", "pod", place.pod(task.name), "--namespace", place.namespace)

    new_owner(new_store()).recover()

    goes_on(store, task, gate, ended)


def test_the_work_of_a_killed_service_goes_on_and_is_taken_up(
    new_owner: NewOwner,
    new_store: Callable[[], TaskStore],
    settings: KitSettings,
    place: Place,
    gate: Path,
    ended: Ended,
) -> None:
    following = new_store()
    owner = new_owner(following)
    kubeconfig = settings.home / "makes-jobs.kubeconfig"
    service = subprocess.Popen(
        [sys.executable, "-m", "tests.cluster.jobs.service", str(kubeconfig), place.namespace, str(gate)],
        env={**os.environ, "FAIRLEAD_HOME": str(settings.home)},
    )
    try:
        until(lambda: attempt_file(gate, 1).exists(), "the work", START_SECONDS)
    finally:
        service.kill()
        service.wait()

    owner.recover()
    (task,) = following.unfinished()
    until(lambda: following.holds(task.name), "the owner that follows")
    gate.touch()

    done = ended(task)
    assert (done.state, done.attempt, result_of(done)) == (TASK_STATE_SUCCEEDED, 1, "attempt 1")
    assert len(place.pods(task.name)) == 1
