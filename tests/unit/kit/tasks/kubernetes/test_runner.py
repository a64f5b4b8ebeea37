"""Following Jobs through what a cluster does now and then: an API that is away, a lost node, a lost answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.kit.errors import FailedPrecondition, Unavailable
from fairlead.kit.tasks import Ending, Work
from fairlead.kit.tasks.kubernetes.cluster import Cluster
from fairlead.kit.tasks.kubernetes.manifest import job_name
from fairlead.kit.tasks.kubernetes.options import JobOptions
from fairlead.kit.tasks.kubernetes.runner import KubernetesRunner
from fairlead.kit.tasks.worker import INTERRUPTED
from tests.unit.kit.tasks.kubernetes.api_server import ApiServer
from tests.unit.kit.tasks.kubernetes.objects import ended, failed, pod, waiting
from tests.waiting import until

TASK = Task(name="projects/shop/tasks/t1", owner="trainer", kind="train", attempt=2)
NAME = job_name(TASK)
TEMPLATE = {"metadata": {}, "spec": {"containers": [{"name": "worker", "image": "i"}]}}


@pytest.fixture
def api() -> ApiServer:
    return ApiServer()


@pytest.fixture
def runner(api: ApiServer) -> Iterator[KubernetesRunner]:
    with api.serving() as client:
        yield KubernetesRunner(Cluster(client, "here"), TEMPLATE, "a.worker", JobOptions(600, 300, 600))


class Following:
    """Somebody who waits for work to end."""

    def __init__(self, work: Work) -> None:
        self.told: list[str] = []
        self.endings: list[Ending] = []
        self._thread = threading.Thread(target=lambda: self.endings.append(work.wait(self.told.append)), daemon=True)
        self._thread.start()

    def ending(self) -> Ending:
        until(lambda: bool(self.endings), "the end of the work")
        return self.endings[0]


def running() -> dict[str, Any]:
    return {"containerStatuses": [{"name": "worker", "state": {"running": {}}}]}


def test_an_attempts_job_is_made_once(api: ApiServer, runner: KubernetesRunner) -> None:
    runner.run(TASK, {"A": "1"})
    runner.run(TASK, {"A": "1"})

    assert list(api.jobs) == [NAME]
    assert api.jobs[NAME]["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "A", "value": "1"}]


def test_jobs_of_earlier_attempts_that_still_run_are_deleted(api: ApiServer, runner: KubernetesRunner) -> None:
    for attempt in (1, 3):
        runner.run(Task(name=TASK.name, owner=TASK.owner, attempt=attempt), {})
    first, third = list(api.jobs)
    api.change(first, conditions=[failed()])
    api.calls.clear()
    runner.run(TASK, {})

    deleted = [path.rpartition("/")[2] for method, path in api.calls if method == "DELETE"]
    assert deleted == [third], "what has ended stays to be looked at"


def test_work_is_found_by_its_attempt_unless_it_is_being_deleted(api: ApiServer, runner: KubernetesRunner) -> None:
    assert runner.find(TASK) is None
    runner.run(TASK, {})
    assert runner.find(TASK) is not None
    assert runner.find(Task(name=TASK.name, owner=TASK.owner, attempt=1)) is None

    runner.run(TASK, {}).stop()

    until(lambda: runner.find(TASK) is None, "the end of it")


def test_work_goes_on_while_the_api_is_away(api: ApiServer, runner: KubernetesRunner) -> None:
    api.pods = [pod(running())]
    following = Following(runner.run(TASK, {}))
    api.refusal = 503
    api.changed.set()
    before = len(api.calls)
    until(lambda: len(api.calls) > before + 1, "another try")
    assert not following.endings

    api.pods = [pod(ended(3))]
    api.jobs[NAME]["status"] = {"conditions": [failed()]}
    api.refusal = 0

    assert following.ending() == Ending(3)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_an_api_that_can_not_answer_now_is_away(api: ApiServer, runner: KubernetesRunner, status: int) -> None:
    api.refusal = status

    with pytest.raises(Unavailable, match=f"refused with {status}"):
        runner.find(TASK)


def test_an_api_that_nobody_answers_at_is_away(api: ApiServer) -> None:
    with api.serving() as client:
        runner = KubernetesRunner(Cluster(client, "here"), TEMPLATE, "a.worker", JobOptions(600, 300, 600))

    with pytest.raises(Unavailable, match="can't be reached"):
        runner.run(TASK, {})


def test_a_service_that_may_not_make_jobs_is_told_what_it_needs(api: ApiServer, runner: KubernetesRunner) -> None:
    api.refusal = 403

    with pytest.raises(FailedPrecondition, match="needs a role"):
        runner.run(TASK, {})


def test_a_job_is_deleted_in_the_end_though_the_api_is_away_at_first(api: ApiServer, runner: KubernetesRunner) -> None:
    work = runner.run(TASK, {})
    api.refusal = 503
    work.stop()
    until(lambda: ("DELETE", f"/apis/batch/v1/namespaces/here/jobs/{NAME}") in api.calls, "the first try")
    assert "deletionTimestamp" not in api.jobs[NAME]["metadata"]
    api.refusal = 0

    until(lambda: "deletionTimestamp" in api.jobs[NAME]["metadata"], "the deletion")


def test_stopped_work_has_ended_once_its_job_is_gone(api: ApiServer, runner: KubernetesRunner) -> None:
    api.pods = [pod(running())]
    work = runner.run(TASK, {})
    following = Following(work)
    work.stop()
    until(lambda: "deletionTimestamp" in api.jobs[NAME]["metadata"], "the deletion")
    assert not following.endings
    api.remove(NAME)

    assert following.ending().exit_code == INTERRUPTED


def test_work_on_a_lost_node_is_given_up_and_its_job_deleted(api: ApiServer, runner: KubernetesRunner) -> None:
    # Deleted long ago by the cluster, which hears no more of the node.
    api.pods = [pod(running(), deleted="2026-01-31T17:05:00Z")]

    ending = Following(runner.run(TASK, {})).ending()

    assert ending.exit_code == INTERRUPTED
    assert ending.error is not None
    assert "node" in ending.error.message
    assert "deletionTimestamp" in api.jobs[NAME]["metadata"]


def test_what_keeps_work_from_beginning_is_told_once(api: ApiServer, runner: KubernetesRunner) -> None:
    api.pods = [pod(waiting("ImagePullBackOff"))]
    work = runner.run(TASK, {})
    following = Following(work)
    until(lambda: bool(following.told), "the word")
    looked = len(api.calls)
    until(lambda: len(api.calls) > looked + 4, "more looks")
    work.release()

    following.ending()
    assert following.told == ["the work waits: its image 'trainer:1' can't be had: ImagePullBackOff"]


def test_released_work_goes_on(api: ApiServer, runner: KubernetesRunner) -> None:
    api.pods = [pod(running())]
    work = runner.run(TASK, {})
    following = Following(work)
    work.release()

    assert following.ending().exit_code == INTERRUPTED
    assert "deletionTimestamp" not in api.jobs[NAME]["metadata"]


def test_the_last_lines_of_work_are_kept_as_they_were_written(
    api: ApiServer, runner: KubernetesRunner, capfd: pytest.CaptureFixture[str]
) -> None:
    api.log = b'{"event": "one line of JSON"}\n'
    api.pods = [pod(ended(1))]
    runner.run(TASK, {})
    api.change(NAME, conditions=[failed()])

    found = runner.find(TASK)
    assert found is not None
    assert Following(found).ending() == Ending(1)
    written = "".join(capfd.readouterr())
    assert "one line of JSON" in written
    assert "'event': 'one line" not in written
