"""A serving pod: models in memory, serving's own gate, and cores that compute."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event

from fairlead.kit.errors import FairleadError
from services.serving.domain.admission import Admission, AdmissionLimits, Turn

from .assumptions import Assumptions
from .model_memory import ModelMemory
from .processor import Processor
from .timeline import Timeline


class Request:
    """One request on its way."""

    __slots__ = ("arrived", "gateway", "model", "number", "seconds", "turn")

    def __init__(self, number: int, model: str, arrived: float, seconds: float, gateway: int) -> None:
        self.number, self.model, self.arrived = number, model, arrived
        self.seconds, self.gateway = seconds, gateway
        self.turn: Turn | None = None


class _Call(Event):
    """A turn's event that begins the request once it comes."""

    def __init__(self, begin: Callable[[Request], None], request: Request) -> None:
        super().__init__()
        self._begin, self._request = begin, request

    def set(self) -> None:
        super().set()
        self._begin(self._request)


class Pod:
    """Answers requests or refuses them; ended is told of each, and whether it was answered."""

    def __init__(
        self, name: str, timeline: Timeline, assumptions: Assumptions, ended: Callable[[Pod, Request, bool], None]
    ) -> None:
        self.name = name
        self.ready_at: float | None = None
        self.in_flight = 0
        self.asked = 0
        self.hits = 0
        self.loads = 0
        self._timeline, self._assumptions, self._ended = timeline, assumptions, ended
        limits = AdmissionLimits(assumptions.turns, assumptions.waiting_requests, assumptions.queue_seconds)
        self._admission = Admission(limits, lambda: timeline.now)
        self._processor = Processor(timeline, assumptions.cores)
        self._memory = ModelMemory(assumptions.models_mib, assumptions.model_mib)
        # Who waits for which model; the first of the line is being loaded.
        self._loading: dict[str, list[tuple[Request, AbstractContextManager[None]]]] = {}
        self._line: deque[str] = deque()

    def busy(self) -> float:
        """Return the seconds of a core used so far."""
        return self._processor.busy()

    def hold(self, model: str) -> None:
        """Have a model in memory."""
        self._memory.keep(model)

    def take(self, request: Request) -> None:
        """Answer a request, now or later, or refuse it."""
        self.asked += 1
        self.in_flight += 1
        if self._memory.use(request.model):
            self.hits += 1
            self._enter(request)
            return
        place = self._admission.loading(request.model)
        try:
            place.__enter__()
        except FairleadError:
            self._end(request, answered=False)
            return
        if request.model not in self._loading:
            self._loading[request.model] = []
            self._line.append(request.model)
            if len(self._line) == 1:
                self._load()
        self._loading[request.model].append((request, place))

    def _load(self) -> None:
        self.loads += 1
        self._processor.add(self._assumptions.load_seconds, self._loaded)

    def _loaded(self) -> None:
        model = self._line.popleft()
        self._memory.keep(model)
        if self._line:
            self._load()
        for request, place in self._loading.pop(model):
            place.__exit__(None, None, None)
            self._enter(request)

    def _enter(self, request: Request) -> None:
        """Compute a request, or let it wait for its turn."""
        patience = request.arrived + self._assumptions.deadline_seconds - self._timeline.now
        try:
            turn = request.turn = self._admission.enter(request.model, patience)
        except FairleadError:
            self._end(request, answered=False)
            return
        if turn.came:
            self._begin(request)
            return
        turn.coming = _Call(self._begin, request)
        longest = max(0.0, min(patience, self._assumptions.queue_seconds))
        self._timeline.at(self._timeline.now + longest, self._give_up, request, turn)

    def _begin(self, request: Request) -> None:
        self._processor.add(request.seconds, self._answer, request)

    def _answer(self, request: Request) -> None:
        if request.turn is not None:
            self._admission.leave(request.turn)
        self._end(request, answered=True)

    def _give_up(self, request: Request, turn: Turn) -> None:
        if not turn.came:
            self._admission.leave(turn)
            self._end(request, answered=False)

    def _end(self, request: Request, *, answered: bool) -> None:
        self.in_flight -= 1
        self._ended(self, request, answered)
