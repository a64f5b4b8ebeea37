"""What an autoscaler is told: by Prometheus of requests in flight, by metrics-server of CPU. Both are late."""

from __future__ import annotations

from dataclasses import dataclass, field

from .pod import Pod


@dataclass
class Samples:
    """What was seen of one pod."""

    in_flight: int | None = None
    busy: list[tuple[float, float]] = field(default_factory=list)
    """When, and the seconds of a core used by then: the last two."""


class Metrics:
    """The samples of every pod there is."""

    def __init__(self) -> None:
        self._samples: dict[str, Samples] = {}

    def scrape(self, pod: Pod) -> None:
        """See a pod as Prometheus does."""
        self._of(pod).in_flight = pod.in_flight

    def measure(self, pod: Pod, now: float) -> None:
        """See a pod as metrics-server does."""
        busy = self._of(pod).busy
        busy.append((now, pod.busy()))
        del busy[:-2]

    def forget(self, pod: Pod) -> None:
        """Tell no more of a pod that is gone, as Prometheus does once it is no target any more."""
        self._samples.pop(pod.name, None)

    def in_flight(self) -> int:
        """Return the requests in flight of all pods that were scraped."""
        return sum(samples.in_flight or 0 for samples in self._samples.values())

    def utilization(self, pod: Pod, requested: float) -> float | None:
        """Return a pod's share of the cores it requests; None where it was not ready all the time of the sample."""
        busy = self._of(pod).busy
        if pod.ready_at is None or len(busy) < 2 or busy[0][0] < pod.ready_at:
            return None
        (begun, before), (ended, after) = busy
        return (after - before) / (ended - begun) / requested

    def _of(self, pod: Pod) -> Samples:
        return self._samples.setdefault(pod.name, Samples())
