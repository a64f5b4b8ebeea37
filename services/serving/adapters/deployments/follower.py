"""The thread that takes over what other processes changed, and makes planned splits when their time has come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Event as Flag
from threading import Thread

from fairlead.kit.database import unavailable
from fairlead.kit.logging import get_logger

from ...domain.traffic.following import Following
from ...domain.traffic.schedule import Schedule

POLL_SECONDS = 0.5
WAITING_SECONDS = 0.05
"""While a change waits for its models to be loaded."""

LOG = get_logger("fairlead.serving.deployments")


class DeploymentFollower:
    """Looks twice a second."""

    def __init__(self, following: Following, schedule: Schedule, now: Callable[[], datetime]) -> None:
        self._following = following
        self._schedule = schedule
        self._now = now
        self._closing = Flag()
        self._fails = False
        self._thread = Thread(target=self._run, name="deployments", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def discover(self) -> None:
        """Look now, for a deployment that is not known. Raises Unavailable where the database is away."""
        try:
            self._tell_failures()
        except Exception as error:
            if (told := unavailable(error)) is not None:
                raise told from error
            raise

    def _run(self) -> None:
        while not self._closing.wait(WAITING_SECONDS if self._following.waits else POLL_SECONDS):
            try:
                self._look()
            except Exception:
                # Once, and not twice a second: what is served goes on meanwhile.
                if not self._fails:
                    LOG.exception("changes of deployments can't be followed; it is tried again")
                self._fails = True
            else:
                self._fails = False

    def _look(self) -> None:
        self._tell_failures()
        for outcome in self._schedule.advance(self._now()):
            if outcome.error:
                LOG.error("planned traffic is given up", deployment=outcome.deployment, reason=outcome.error)
            else:
                LOG.info("planned traffic is served", deployment=outcome.deployment, planned=str(outcome.time))

    def _tell_failures(self) -> None:
        for name, error in self._following.look():
            LOG.error("a change made elsewhere can't be served here yet", deployment=name, error=error)
