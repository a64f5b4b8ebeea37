"""Who may compute, who waits for a turn, and who is refused, in all of one process.

The contract:

- What is quick (a few rows of a quick model) takes no turn and passes no gate here; its doors bound it by their own
  queues. What takes longer takes one of a few turns; so many are computed at a time, and one is always left for others
  than the deployment that has the rest.
- Turns go to deployments by the time each has had, so a slow one slows the others no more than their share says.
- Who has to wait, for a turn or for a model to load, takes a waiting place. There are so many, and a deployment may
  have twice as many as it leaves free: one alone gets two thirds, and whoever comes next still finds some.
- Who can't be expected to have a turn in the time it may wait (the setting's, or what its deadline leaves beside the
  computing) is refused at once, before anything is computed for it: ResourceExhausted, with the time after which the
  line is expected to be half as long.
- Nothing waits without end: a turn that has not come in that time is refused then.

Expected is: the requests of the deployment that are ahead, times the time that its requests took of late, times the
deployments that share the turns, divided by the turns. A deployment without a line is never refused for expectations,
so a wrong one is corrected by the next request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from threading import Event, Lock

from fairlead.kit.errors import DeadlineExceeded, ResourceExhausted
from fairlead.kit.worker_pool import lent

LATEST = 0.2
"""How much the latest request counts in the time that a deployment's requests take."""
TIMES_FREE = 2
"""A deployment may have so many times as many waiting places as are free."""
SHORTEST_RETRY = 0.1
LOADING_RETRY = 1.0


class Reason(Enum):
    """Why a request is refused."""

    PLACES = "places"
    TIME = "time"
    DEADLINE = "deadline"


@dataclass(frozen=True)
class AdmissionLimits:
    """How many requests compute at a time, how many may wait, and for how many seconds."""

    turns: int = 4
    places: int = 512
    seconds: float = 5.0


@dataclass(frozen=True)
class AdmissionUsage:
    """What is under way and what waits now, and what was refused so far, by reason."""

    computing: int
    waiting: int
    loading: int
    refused: dict[Reason, int]


class _Line:
    """The requests of one deployment: those that compute, those that wait, and the time they take and have had."""

    __slots__ = ("computing", "loading", "seconds", "served", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Turn] = deque()
        self.computing = 0
        self.loading = 0
        self.seconds = 0.0
        self.served = 0.0


class Turn:
    """One request's turn, which has come or is waited for."""

    __slots__ = ("charged", "coming", "deployment", "since")

    def __init__(self, deployment: str) -> None:
        self.deployment = deployment
        self.coming = Event()
        self.since = 0.0
        self.charged = 0.0

    @property
    def came(self) -> bool:
        """Whether it may compute."""
        return self.coming.is_set()


class Admission:
    """The gate in front of computing and loading. Safe to use from many threads."""

    def __init__(self, limits: AdmissionLimits, clock: Callable[[], float]) -> None:
        """Admit within these limits; clock returns seconds."""
        self._limits = limits
        self._most_at_once = max(1, limits.turns - 1)
        self._clock = clock
        self._lock = Lock()
        self._lines: dict[str, _Line] = {}
        # Those of them that compute or wait for a turn.
        self._active: dict[str, _Line] = {}
        self._computing = 0
        self._waiting = 0
        self._loading = 0
        # The time had by whoever got the last turn: who comes anew starts from there.
        self._served = 0.0
        self._refused = dict.fromkeys(Reason, 0)

    @contextmanager
    def turn(self, deployment: str, patience: float) -> Iterator[None]:
        """Run a block in a turn, waiting for it up to patience seconds, or what the limits say.

        Raises ResourceExhausted where it can't come in time, DeadlineExceeded where patience was all there was.
        """
        turn = self.enter(deployment, patience)
        try:
            if not turn.came:
                self._wait(turn, patience)
            yield
        finally:
            self.leave(turn)

    @contextmanager
    def loading(self, deployment: str) -> Iterator[None]:
        """Run a block that waits for a deployment's model in a waiting place. Raises ResourceExhausted."""
        with self._lock:
            line = self._line(deployment)
            self._check_places(deployment, line, LOADING_RETRY)
            line.loading += 1
            self._loading += 1
        try:
            yield
        finally:
            with self._lock:
                line.loading -= 1
                self._loading -= 1

    def enter(self, deployment: str, patience: float) -> Turn:
        """Return a turn, which has come or comes later; leave() must follow. Raises ResourceExhausted."""
        turn = Turn(deployment)
        with self._lock:
            line = self._line(deployment)
            if deployment not in self._active:
                line.served = max(line.served, self._served)
            if self._computing < self._limits.turns and line.computing < self._most_at_once and not line.waiting:
                self._begin(turn, line)
                return turn
            self._check_places(deployment, line, self._expected(line) / 2)
            self._check_time(deployment, line, patience)
            line.waiting.append(turn)
            self._active[deployment] = line
            self._waiting += 1
        return turn

    def leave(self, turn: Turn) -> None:
        """End a turn, whether it came or not; the next ones come."""
        with self._lock:
            line = self._lines[turn.deployment]
            if not turn.came:
                line.waiting.remove(turn)
                self._waiting -= 1
                self._end(turn.deployment, line)
                return
            took = self._clock() - turn.since
            line.served += took - turn.charged
            line.seconds = line.seconds + LATEST * (took - line.seconds) if line.seconds else took
            line.computing -= 1
            self._computing -= 1
            self._end(turn.deployment, line)
            while self._computing < self._limits.turns and (following := self._next()) is not None:
                self._waiting -= 1
                self._begin(following.waiting.popleft(), following)

    def forget(self, deployment: str) -> None:
        """Forget the time that a deployment's requests took."""
        with self._lock:
            line = self._lines.get(deployment)
            if line is not None and not (line.waiting or line.computing or line.loading):
                del self._lines[deployment]

    def usage(self) -> AdmissionUsage:
        """Return what is under way, what waits, and what was refused."""
        with self._lock:
            return AdmissionUsage(self._computing, self._waiting, self._loading, dict(self._refused))

    def _wait(self, turn: Turn, patience: float) -> None:
        with lent():
            came = turn.coming.wait(max(0.0, min(patience, self._limits.seconds)))
        if came:
            return
        with self._lock:
            # It may have come at the last moment, which is soon enough.
            if turn.came:
                return
            if patience < self._limits.seconds:
                self._refused[Reason.DEADLINE] += 1
                raise DeadlineExceeded("the caller's deadline passed before there was a turn to compute")
            expected = self._expected(self._lines[turn.deployment])
            raise self._refusal(Reason.TIME, turn.deployment, expected / 2, "its turn did not come in time")

    def _line(self, deployment: str) -> _Line:
        line = self._lines.get(deployment)
        if line is None:
            line = self._lines[deployment] = _Line()
        return line

    def _begin(self, turn: Turn, line: _Line) -> None:
        self._served = line.served
        turn.since = self._clock()
        # Charged as expected for now, so that the next turn goes by it too.
        turn.charged = line.seconds
        line.served += turn.charged
        line.computing += 1
        self._active[turn.deployment] = line
        self._computing += 1
        turn.coming.set()

    def _end(self, deployment: str, line: _Line) -> None:
        if not line.computing and not line.waiting:
            self._active.pop(deployment, None)

    def _next(self) -> _Line | None:
        """Return the line whose turn it is: of those that wait, the one that has had the least time."""
        candidates = [line for line in self._active.values() if line.waiting and line.computing < self._most_at_once]
        return min(candidates, key=lambda line: line.served, default=None)

    def _expected(self, line: _Line) -> float:
        """Return the seconds that one more request of a line is expected to wait."""
        sharing = max(1, len(self._active))
        return (len(line.waiting) + 1) * line.seconds * sharing / self._limits.turns

    def _check_places(self, deployment: str, line: _Line, retry_after: float) -> None:
        free = self._limits.places - self._waiting - self._loading
        if len(line.waiting) + line.loading >= TIMES_FREE * free:
            raise self._refusal(Reason.PLACES, deployment, retry_after, "too many requests wait here already")

    def _check_time(self, deployment: str, line: _Line, patience: float) -> None:
        expected = self._expected(line)
        if not line.waiting:
            return
        if expected > self._limits.seconds:
            raise self._refusal(Reason.TIME, deployment, expected / 2, "too much waits here to answer in time")
        if expected + line.seconds > patience:
            told = "what waits here takes longer than the caller's deadline leaves"
            raise self._refusal(Reason.DEADLINE, deployment, expected / 2, told)

    def _refusal(self, reason: Reason, deployment: str, retry_after: float, told: str) -> ResourceExhausted:
        self._refused[reason] += 1
        return ResourceExhausted(
            f"{told}; send fewer requests at a time, or try again later",
            resource=deployment,
            retry_after=max(SHORTEST_RETRY, retry_after),
        )
