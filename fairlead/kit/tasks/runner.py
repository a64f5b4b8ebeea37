"""Where the work of a task runs: a port. Its adapters are child processes of this machine, and Jobs of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from fairlead.api.tasks.v1.task_pb2 import Task
from fairlead.kit.errors import FairleadError

GRACE_SECONDS = 5.0
"""How long work has to end politely once it is told to stop."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Ending:
    """How the work ended: an exit code; negative, or above 128, for a signal.

    `error` says why, where the runner knows more than the code does.
    """

    exit_code: int
    error: FairleadError | None = None


class Work(Protocol):
    """Work that is under way, or has ended since nobody looked."""

    def wait(self, tell: Tell) -> Ending:
        """Block until nothing of the work runs any more, or it was released, and return how it ended.

        `tell` is called with what a person who follows the task should know meanwhile.
        """

    def stop(self) -> None:
        """Make it end: politely at first, by force after a grace period. Returns at once."""

    def release(self) -> None:
        """Let go of it, so that another owner can take it up; stop it where it can't go on without this one.

        Returns at once.
        """


class Runner(Protocol):
    """Runs the work of a task apart from the service, so that its crash is not the service's."""

    @property
    def outlives(self) -> bool:
        """Whether work may go on while the service is away."""

    def run(self, task: Task, environment: Mapping[str, str]) -> Work:
        """Start the task's attempt, with these variables added.

        Raises OSError or FailedPrecondition where it can't be started, Unavailable where it can't be known for now
        whether it was.
        """

    def find(self, task: Task) -> Work | None:
        """Return the work of the task's attempt that an owner before this one left. Raises Unavailable."""
