"""Work that can't begin, or takes more than it may, ends as a failed task that says why and what to do."""

from __future__ import annotations

from collections.abc import Callable

from fairlead.api.tasks.v1.task_pb2 import TASK_STATE_FAILED, Task
from fairlead.kit.tasks import TaskStore
from tests.cluster.commands import kubectl
from tests.cluster.jobs.conftest import Begin, NewOwner
from tests.cluster.jobs.place import Place
from tests.waiting import until

Ended = Callable[[Task], Task]
Lines = Callable[[Task], list[str]]


def test_work_over_its_memory_limit_fails_and_says_so(
    new_owner: NewOwner, store: TaskStore, begin: Begin, ended: Ended
) -> None:
    task = begin(new_owner(store), "grow", under_way=False)

    failed = ended(task)
    assert (failed.state, failed.attempt, failed.error_code) == (TASK_STATE_FAILED, 1, "RESOURCE_EXHAUSTED")
    assert "passed its memory limit of 256Mi" in failed.error
    assert "raise resources.limits.memory" in failed.error


def test_work_over_its_deadline_fails_and_says_so(
    new_owner: NewOwner, store: TaskStore, begin: Begin, ended: Ended, place: Place
) -> None:
    task = begin(new_owner(store, deadline_seconds=15), under_way=False)

    failed = ended(task)
    assert (failed.state, failed.attempt, failed.error_code) == (TASK_STATE_FAILED, 1, "DEADLINE_EXCEEDED")
    assert "after 15 seconds" in failed.error
    until(lambda: not place.pods(task.name), "the end of the pod")


def test_an_image_that_can_not_be_had_is_told_at_once_and_fails_the_task_in_the_end(
    new_owner: NewOwner, store: TaskStore, begin: Begin, ended: Ended, lines: Lines, place: Place
) -> None:
    task = begin(new_owner(store, start_seconds=20, image="localhost/absent:1"), under_way=False)

    until(lambda: any("the work waits: its image 'localhost/absent:1'" in line for line in lines(task)), "the line")
    failed = ended(task)
    assert (failed.state, failed.error_code) == (TASK_STATE_FAILED, "FAILED_PRECONDITION")
    assert "could not begin within 20 seconds: its image 'localhost/absent:1'" in failed.error
    assert not place.jobs(task.name)


def test_work_that_no_node_has_room_for_fails_in_the_end(
    new_owner: NewOwner, store: TaskStore, begin: Begin, ended: Ended, lines: Lines
) -> None:
    task = begin(new_owner(store, start_seconds=10, memory="9000Gi"), under_way=False)

    failed = ended(task)
    assert failed.state == TASK_STATE_FAILED
    assert "could not begin within 10 seconds: no node has room for its pod: 0/" in failed.error
    assert any("the work waits: no node has room" in line for line in lines(task))


def test_a_pod_that_the_cluster_refuses_is_told(
    new_owner: NewOwner, store: TaskStore, begin: Begin, ended: Ended, place: Place
) -> None:
    label = "pod-security.kubernetes.io/enforce"
    kubectl("label", "namespace", place.namespace, f"{label}=restricted")
    try:
        failed = ended(begin(new_owner(store, start_seconds=10), under_way=False))
    finally:
        kubectl("label", "namespace", place.namespace, f"{label}-")

    assert failed.state == TASK_STATE_FAILED
    assert "no pod could be made" in failed.error
    assert 'violates PodSecurity "restricted' in failed.error


def test_a_job_that_the_cluster_refuses_fails_the_task(
    new_owner: NewOwner, store: TaskStore, begin: Begin, ended: Ended
) -> None:
    failed = ended(begin(new_owner(store, memory="a lot"), under_way=False))

    assert (failed.state, failed.error_code) == (TASK_STATE_FAILED, "FAILED_PRECONDITION")
    assert "the cluster refused to make Jobs" in failed.error


def test_a_service_that_may_not_make_jobs_says_so(
    new_owner: NewOwner, store: TaskStore, begin: Begin, ended: Ended
) -> None:
    failed = ended(begin(new_owner(store, account="default"), under_way=False))

    assert (failed.state, failed.error_code) == (TASK_STATE_FAILED, "FAILED_PRECONDITION")
    assert "forbidden" in failed.error
    assert "needs a role" in failed.error
