"""How a Job ended, by what the cluster says of it and of its pod."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fairlead.kit.tasks.kubernetes.reading import age, ending_of, has_started, is_lost, obstacle_of
from fairlead.kit.tasks.worker import INTERRUPTED
from tests.unit.kit.tasks.kubernetes.objects import Json, complete, ended, failed, job, pod, waiting

DISRUPTED = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "EvictionByEvictionAPI",
    "message": "Eviction API: evicting",
}


def test_a_job_without_a_final_condition_runs() -> None:
    assert ending_of(job(), [pod(ended(1))]) is None
    assert ending_of(job({"type": "Failed", "status": "False"}), []) is None
    assert ending_of(job({"type": "FailureTarget", "status": "True", "reason": "DeadlineExceeded"}), []) is None
    assert ending_of({"metadata": {}, "spec": {}}, []) is None


def test_a_job_that_is_complete_ended_well() -> None:
    ending = ending_of(job(complete()), [pod(ended(0, "Completed"))])

    assert ending is not None
    assert (ending.exit_code, ending.error) == (0, None)


@pytest.mark.parametrize("exit_code", [1, 3, 134, 139])
def test_a_process_that_ended_by_itself_is_told_by_its_exit_code(exit_code: int) -> None:
    ending = ending_of(job(failed()), [pod(ended(exit_code))])

    assert ending is not None
    assert (ending.exit_code, ending.error) == (exit_code, None)


@pytest.mark.parametrize(
    ("pods", "why"),
    [
        ([], "taken away"),
        ([pod(ended(143, conditions=[DISRUPTED]))], "EvictionByEvictionAPI: Eviction API: evicting"),
        ([pod(ended(143), deleted="2026-01-31T17:05:00Z")], "deleted"),
        ([pod({"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory"})], "low on memory"),
        ([pod({"phase": "Failed", "reason": "NodeLost"})], "NodeLost"),
        ([pod(ended(137, reason="ContainerStatusUnknown", message="could not be located"))], "killed"),
        ([pod(ended(137))], "killed (exit code 137)"),
        ([pod(ended(143))], "killed (exit code 143)"),
        ([pod({"phase": "Failed"})], "failed"),
    ],
)
def test_work_that_others_ended_is_interrupted(pods: list[Json], why: str) -> None:
    ending = ending_of(job(failed()), pods)

    assert ending is not None
    assert ending.exit_code == INTERRUPTED
    assert ending.error is not None
    assert why in ending.error.message


def test_work_that_lost_its_database_is_interrupted() -> None:
    ending = ending_of(job(failed()), [pod(ended(INTERRUPTED))])

    assert ending is not None
    assert ending.exit_code == INTERRUPTED


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ((job(failed()), [pod(ended(137, "OOMKilled"))]), "RESOURCE_EXHAUSTED", "memory limit of 256Mi; raise"),
        ((job(failed()), [pod(ended(137, "OOMKilled"), memory="")]), "RESOURCE_EXHAUSTED", "and so did its node"),
        (
            (job(failed()), [pod(ended(137, "OOMKilled"), deleted="2026-01-31T17:05:00Z")]),
            "RESOURCE_EXHAUSTED",
            "memory limit",
        ),
        ((job(failed("DeadlineExceeded"), deadline=90), []), "DEADLINE_EXCEEDED", "after 90 seconds"),
        (
            (
                job(failed()),
                [pod({"reason": "Evicted", "message": 'Usage of EmptyDir volume "tmp" exceeds the limit "1Gi".'})],
            ),
            "RESOURCE_EXHAUSTED",
            'EmptyDir volume "tmp" exceeds the limit "1Gi"',
        ),
        (
            (job(failed()), [pod(ended(128, "StartError", 'exec: "python": not found'))]),
            "FAILED_PRECONDITION",
            'exec: "python": not found',
        ),
    ],
)
def test_what_would_happen_again_fails_and_says_why(given: tuple[Json, list[Json]], code: str, words: str) -> None:
    ending = ending_of(*given)

    assert ending is not None
    assert ending.exit_code not in (0, INTERRUPTED)
    assert ending.error is not None
    assert ending.error.code.value == code
    assert words in ending.error.message


def test_of_several_pods_the_last_one_counts() -> None:
    first = pod(ended(143), deleted="2026-01-31T17:05:00Z")
    last = pod(ended(3), made="2026-01-31T17:06:00Z")

    ending = ending_of(job(failed()), [last, first])

    assert ending is not None
    assert ending.exit_code == 3


@pytest.mark.parametrize(
    ("pods", "events", "words"),
    [
        ([], [], ""),
        ([], [{"reason": "SuccessfulCreate", "message": "made"}], ""),
        ([], [{"reason": "FailedCreate", "message": "forbidden: exceeded quota"}], "exceeded quota"),
        ([pod(waiting("ContainerCreating"))], [], ""),
        ([pod(waiting("PodInitializing"))], [], ""),
        ([pod(waiting("ImagePullBackOff", "Back-off"))], [], "image 'trainer:1' can't be had: ImagePullBackOff: Back"),
        ([pod(waiting("ErrImageNeverPull"))], [], "image 'trainer:1' can't be had: ErrImageNeverPull"),
        ([pod(waiting("CreateContainerConfigError", 'secret "s" not found'))], [], 'secret "s" not found'),
    ],
)
def test_what_keeps_work_from_starting_is_said(pods: list[Json], events: list[Json], words: str) -> None:
    said = obstacle_of(pods, events)

    assert words in said
    assert bool(said) == bool(words)


def test_a_pod_that_no_node_has_room_for_says_so() -> None:
    condition: dict[str, Any] = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    pending = pod({"phase": "Pending", "conditions": [{**condition, "message": "0/3 nodes are available"}]})

    assert obstacle_of([pending], []) == "no node has room for its pod: 0/3 nodes are available"


def test_work_has_started_once_its_own_container_has() -> None:
    beside = {"name": "proxy", "state": {"running": {}}}

    assert not has_started([])
    assert not has_started([pod(waiting("ContainerCreating"))])
    assert not has_started([pod({"containerStatuses": [beside]})])
    assert has_started([pod({"containerStatuses": [beside, {"name": "worker", "state": {"running": {}}}]})])
    assert has_started([pod(ended(1))])


def test_a_pod_whose_end_nobody_tells_is_lost() -> None:
    due = datetime(2026, 1, 31, 17, 5, tzinfo=UTC)
    dying = pod({"phase": "Running"}, deleted="2026-01-31T17:05:00Z")

    assert not is_lost([pod({"phase": "Running"})], due + timedelta(days=1))
    assert not is_lost([dying], due + timedelta(seconds=10))
    assert is_lost([dying], due + timedelta(seconds=30))


def test_the_age_of_a_job_is_counted_from_its_making() -> None:
    assert age(job(), datetime(2026, 1, 31, 17, 10, tzinfo=UTC)) == timedelta(minutes=10)
