"""Gateways, serving pods and their autoscaler, in simulated time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .assumptions import Assumptions
from .hpa import SYNC_SECONDS, Autoscaler, for_average, for_utilization
from .metrics import Metrics
from .pod import Pod, Request
from .policies import Policy
from .routing import HASHING, MakeRouting
from .timeline import Timeline
from .traffic import Requests

REFUSED = -1.0


@dataclass(frozen=True)
class Outcome:
    """What became of each request, and how many pods there were."""

    times: NDArray[np.float64]
    latencies: NDArray[np.float64]
    """Seconds; REFUSED for who was refused."""
    pods: NDArray[np.int64]
    """Pods that there should be, at every second."""


@dataclass(frozen=True)
class Counts:
    """What pods have done so far: requests that came, those whose model was there, loads, and seconds of a core."""

    asked: int
    hits: int
    loads: int
    busy: dict[str, float]


class Cluster:
    """Runs requests through a policy. The same seed gives the same outcome."""

    def __init__(
        self,
        policy: Policy,
        assumptions: Assumptions,
        random: np.random.Generator,
        *,
        pods: int | None = None,
        routing: MakeRouting = HASHING,
    ) -> None:
        """Begin with so many pods that are ready, or the policy's fewest."""
        self.timeline = Timeline()
        self._policy, self._assumptions, self._random = policy, assumptions, random
        self._autoscaler = Autoscaler(policy.fewest, policy.most, policy.up, policy.down)
        self._metrics = Metrics()
        self._gateways = [routing() for _ in range(assumptions.gateways)]
        self._known: list[set[str]] = [set() for _ in self._gateways]
        self._pods: dict[str, Pod] = {}
        """Those that there should be, oldest first."""
        self._all: dict[str, Pod] = {}
        self._latencies: NDArray[np.float64] = np.empty(0)
        self._models = [f"projects/p/deployments/m{number:04d}" for number in range(assumptions.models)]
        self._began = False
        for _ in range(policy.fewest if pods is None else pods):
            self._start()
        self._fill()
        self._began = True
        self._every(assumptions.cpu_seconds, self._measure)
        if policy.in_flight is not None or policy.cpu is not None:
            self._every(SYNC_SECONDS, self._sync)

    def run(self, requests: Requests, until: float) -> Outcome:
        """Return what becomes of the requests."""
        self._latencies = np.full(requests.times.size, REFUSED)
        gateways = self._random.integers(len(self._gateways), size=requests.times.size).tolist()
        arrivals = zip(
            requests.times.tolist(), requests.models.tolist(), requests.seconds.tolist(), gateways, strict=True
        )
        pods: list[int] = []
        timeline = self.timeline
        for number, (time, model, seconds, gateway) in enumerate(arrivals):
            while len(pods) <= time:
                timeline.run(len(pods))
                pods.append(len(self._pods))
            timeline.run(time)
            self._ask(Request(number, self._models[model], time, seconds, gateway))
        while len(pods) <= until:
            timeline.run(len(pods))
            pods.append(len(self._pods))
        timeline.run(until + self._assumptions.deadline_seconds)
        return Outcome(requests.times, self._latencies, np.array(pods))

    def counts(self) -> Counts:
        """Return what all pods have done so far."""
        every = self._all.values()
        return Counts(
            sum(pod.asked for pod in every),
            sum(pod.hits for pod in every),
            sum(pod.loads for pod in every),
            {pod.name: pod.busy() for pod in every},
        )

    def scale(self, pods: int) -> None:
        """Have so many pods: new ones start, and of those that are there the newest go."""
        while len(self._pods) < pods:
            self._start()
        while len(self._pods) > pods:
            self._stop(self._pods[next(reversed(self._pods))])

    def _ask(self, request: Request) -> None:
        routing = self._gateways[request.gateway]
        try:
            name = routing.choose(request.model)
        except LookupError:
            return
        routing.begin(name)
        self._all[name].take(request)

    def _ended(self, pod: Pod, request: Request, answered: bool) -> None:
        self._gateways[request.gateway].end(pod.name)
        if answered:
            self._latencies[request.number] = self.timeline.now - request.arrived

    def _start(self) -> None:
        name = f"10.0.{len(self._all) // 256}.{len(self._all) % 256}:7482"
        pod = Pod(name, self.timeline, self._assumptions, self._ended)
        self._pods[name] = self._all[name] = pod
        assumptions = self._assumptions
        if self._began:
            takes = self._random.uniform(assumptions.start_seconds, assumptions.start_seconds_most)
            self.timeline.at(self.timeline.now + takes, self._ready, pod)
        else:
            pod.ready_at = -assumptions.cpu_seconds
            for gateway in range(len(self._gateways)):
                self._find(gateway, pod)
        self._every(assumptions.scrape_seconds, self._scrape, pod)

    def _fill(self) -> None:
        """Have every model in memory where it is asked first, the most asked ones as the most recently used."""
        for model in reversed(self._models):
            self._all[self._gateways[0].choose(model)].hold(model)

    def _ready(self, pod: Pod) -> None:
        if pod.name in self._pods:
            pod.ready_at = self.timeline.now
            self._tell(self._find, pod)

    def _stop(self, pod: Pod) -> None:
        del self._pods[pod.name]
        self._metrics.forget(pod)
        self._tell(self._lose, pod)

    def _tell(self, what: Any, pod: Pod) -> None:
        """Let every gateway know of a pod, each once it looks up the name."""
        assumptions = self._assumptions
        told = self._random.uniform(0, assumptions.dns_seconds)
        for gateway in range(len(self._gateways)):
            late = told + self._random.uniform(0, assumptions.follow_seconds)
            self.timeline.at(self.timeline.now + late, what, gateway, pod)

    def _find(self, gateway: int, pod: Pod) -> None:
        if pod.name in self._pods:
            self._known[gateway].add(pod.name)
            self._gateways[gateway].set_endpoints(self._known[gateway])

    def _lose(self, gateway: int, pod: Pod) -> None:
        self._known[gateway].discard(pod.name)
        self._gateways[gateway].set_endpoints(self._known[gateway])

    def _every(self, seconds: float, action: Any, *arguments: Any) -> None:
        """Do something again and again, beginning at some time of the first interval."""
        self.timeline.at(self.timeline.now + self._random.uniform(0, seconds), self._again, seconds, action, arguments)

    def _again(self, seconds: float, action: Any, arguments: tuple[Any, ...]) -> None:
        if action(*arguments) is not False:
            self.timeline.at(self.timeline.now + seconds, self._again, seconds, action, arguments)

    def _scrape(self, pod: Pod) -> bool:
        """See a pod, until it is gone."""
        there = pod.name in self._pods
        if there and pod.ready_at is not None:
            self._metrics.scrape(pod)
        return there

    def _measure(self) -> None:
        for pod in self._pods.values():
            self._metrics.measure(pod, self.timeline.now)

    def _sync(self) -> None:
        policy, pods = self._policy, len(self._pods)
        wanted: list[int | None] = []
        if policy.in_flight is not None:
            wanted.append(for_average(self._metrics.in_flight(), policy.in_flight, pods))
        if policy.cpu is not None:
            used = [self._metrics.utilization(pod, policy.requested) for pod in self._pods.values()]
            wanted.append(for_utilization(used, policy.cpu, pods))
        self.scale(self._autoscaler.pods(self.timeline.now, pods, wanted))
