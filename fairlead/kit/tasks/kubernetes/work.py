"""A Job that is under way: followed to its end by watching it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from fairlead.kit.errors import FailedPrecondition, FairleadError, Unavailable
from fairlead.kit.logging import get_logger
from fairlead.kit.tasks.kubernetes.cluster import Cluster
from fairlead.kit.tasks.kubernetes.reading import (
    age,
    ending_of,
    has_started,
    interrupted,
    is_lost,
    newest,
    obstacle_of,
)
from fairlead.kit.tasks.kubernetes.template import Json, worker_of
from fairlead.kit.tasks.runner import Ending, Tell
from fairlead.kit.tasks.worker import INTERRUPTED

# How often the pods are looked at, before and after the work began; a change of the Job itself is seen at once.
START_LOOK_SECONDS = 2
LOOK_SECONDS = 5
PAUSE_SECONDS = 2.0
_INSIST = 60
_LAST_LINES = 30
_LOG = get_logger("fairlead.tasks")


class JobWork:
    """The work of one attempt. It goes on where nobody follows it."""

    def __init__(self, cluster: Cluster, name: str, start_seconds: int) -> None:
        self._cluster = cluster
        self._name = name
        self._start_limit = timedelta(seconds=start_seconds)
        self._released = threading.Event()
        self._given_up: Ending | None = None
        self._told = ""
        self._started = False

    def wait(self, tell: Tell) -> Ending:
        """Block until the Job has ended or is gone with its pod, or it was released."""
        while not self._released.is_set():
            try:
                job = self._cluster.job(self._name)
                ending = self._gone() if job is None else self._look(job, tell)
                if ending is not None:
                    return ending
                if job is not None:
                    self._cluster.wait_for_change(job, LOOK_SECONDS if self._started else START_LOOK_SECONDS)
            except Unavailable as error:
                _LOG.warning("a Job goes on without being followed for now", job=self._name, reason=error.message)
                self._released.wait(PAUSE_SECONDS)
        return Ending(INTERRUPTED)

    def stop(self) -> None:
        """Delete the Job, in a thread of its own that insists; the pod has its grace period."""
        threading.Thread(target=self._delete, name="job-stop", daemon=True).start()

    def release(self) -> None:
        """Follow the Job no longer; it goes on."""
        self._released.set()

    def _gone(self) -> Ending:
        return self._given_up or interrupted("the Job of the work was deleted")

    def _look(self, job: Json, tell: Tell) -> Ending | None:
        pods = self._cluster.pods(self._name)
        if (ending := ending_of(job, pods)) is not None:
            self._keep_last_lines(ending, pods)
            return self._given_up or ending
        now = datetime.now(UTC)
        if is_lost(pods, now):
            self._cluster.delete_job(self._name)
            return interrupted("the node of the work is not heard of")
        self._started = self._started or has_started(pods)
        if not self._started and "deletionTimestamp" not in job["metadata"]:
            self._see_to_start(job, pods, now, tell)
        return None

    def _see_to_start(self, job: Json, pods: Sequence[Json], now: datetime, tell: Tell) -> None:
        obstacle = obstacle_of(pods, [] if pods else self._cluster.events(self._name))
        if age(job, now) > self._start_limit:
            seconds = int(self._start_limit.total_seconds())
            why = obstacle or f"kubectl describe job {self._name} may tell why"
            self._given_up = Ending(1, FailedPrecondition(f"the work could not begin within {seconds} seconds: {why}"))
            self._cluster.delete_job(self._name)
        elif obstacle and obstacle != self._told:
            self._told = obstacle
            tell(f"the work waits: {obstacle}")

    def _keep_last_lines(self, ending: Ending, pods: Sequence[Json]) -> None:
        """Put what a failed process wrote last into the log of the service, which outlives the pod."""
        if not ending.exit_code or not pods:
            return
        pod = newest(pods)
        try:
            lines = self._cluster.last_lines(pod["metadata"]["name"], worker_of(pod["spec"])["name"], _LAST_LINES)
        except FairleadError as error:
            lines = [f"({error.message})"]
        _LOG.error("the work of a Job ended badly", job=self._name, exit_code=ending.exit_code, last_lines=lines)

    def _delete(self) -> None:
        for _ in range(_INSIST):
            try:
                self._cluster.delete_job(self._name)
                return
            except Unavailable as error:
                _LOG.warning("a Job is not deleted yet; trying again", job=self._name, reason=error.message)
                self._released.wait(PAUSE_SECONDS)
        _LOG.error("a Job could not be deleted; its process sees at times itself that it is not wanted", job=self._name)
