"""A thousand models on twenty pods: the gateway's hashing beside round robin."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from services.gateway.domain.placement import Placement

from .assumptions import Assumptions
from .cluster import Cluster, Counts
from .figures import Window, window
from .policies import fixed
from .routing import HASHING, ROUND_ROBIN, MakeRouting
from .traffic import Spike, requests

PODS = 20
RATE = 1000.0
FILLED, LEFT, CAME, END = 60.0, 120.0, 150.0, 180.0
"""When memories are taken for filled, a pod leaves, one comes, and nothing more is sent."""
MODEL_MIB = 2.0
"""A thousand of these take twice the memory of one pod."""
TARGET = 0.25


@dataclass(frozen=True)
class Phase:
    """The figures of some time: latencies, lookups and loads, and what the busiest pod computed by the mean."""

    seen: Window
    hits: float
    loads: int
    imbalance: float


def moved(models: int, pods: int) -> tuple[float, float]:
    """Return the share of the models whose first pod is another one once a pod has left, and once one has come."""
    names = [f"projects/p/deployments/m{number:04d}" for number in range(models)]
    endpoints = [f"10.0.0.{number}:7482" for number in range(pods + 1)]
    placement = Placement(endpoints[:pods])
    before = [placement.order(name)[0] for name in names]

    def share(others: list[str]) -> float:
        placement.set_endpoints(others)
        return sum(placement.order(name)[0] != first for name, first in zip(names, before, strict=True)) / models

    return share(endpoints[1:pods]), share(endpoints)


def simulate(routing: MakeRouting, assumptions: Assumptions, seed: int, rate: float = RATE) -> list[Phase]:
    """Return the figures of a steady load: with all pods, after one has left, after one has come."""
    steady = Spike(rate, times=1, before=END, ramp=0, held=0, after=0, warm_up=0)
    sent = requests(steady, assumptions, np.random.default_rng(seed))
    cluster = Cluster(fixed(PODS), assumptions, np.random.default_rng(seed), routing=routing)
    bounds = (FILLED, LEFT, CAME, END)
    counts: list[Counts] = []
    for bound in bounds:
        cluster.timeline.at(bound, lambda: counts.append(cluster.counts()))
    cluster.timeline.at(LEFT, cluster.scale, PODS - 1)
    cluster.timeline.at(CAME, cluster.scale, PODS)
    outcome = cluster.run(sent, END)
    spans = zip(pairwise(bounds), pairwise(counts), strict=True)
    return [_phase(window(outcome, begin, end, TARGET), before, after) for (begin, end), (before, after) in spans]


def _phase(seen: Window, before: Counts, after: Counts) -> Phase:
    hits, loads = after.hits - before.hits, after.loads - before.loads
    busy = [after.busy[pod] - before.busy[pod] for pod in before.busy.keys() & after.busy.keys()]
    worked = [seconds for seconds in busy if seconds > 0]
    return Phase(seen, hits / max(1, after.asked - before.asked), loads, max(worked) * len(worked) / sum(worked))


def main(seed: int) -> bool:
    """Print the figures; return whether few models move, and hashing holds the p99."""
    assumptions = Assumptions().but(
        model_mib=MODEL_MIB, load_seconds=Assumptions().load_seconds * MODEL_MIB / Assumptions().model_mib
    )
    share = RATE * assumptions.compute_seconds / (PODS * assumptions.cores)
    room = int(assumptions.models_mib // MODEL_MIB)
    print(
        f"\n{assumptions.models} models of {MODEL_MIB:g} MiB ({assumptions.load_seconds * 1e3:g} ms to load) on {PODS} "
        f"pods with room for {room} each, {RATE:g} requests a second ({share:.0%} of the cores)\n"
    )
    print(
        f"{'':<36}{'in memory':>10}{'loads a s':>11}{'p50 ms':>8}{'p99 ms':>8}{'refused':>9}{'busiest pod by mean':>21}"
    )
    found = {}
    for name, routing in (("hashing", HASHING), ("round robin", ROUND_ROBIN)):
        found[name] = simulate(routing, assumptions, seed)
        spans = (LEFT - FILLED, CAME - LEFT, END - CAME)
        for what, phase, span in zip((f"{PODS} pods", "one leaves", "one comes"), found[name], spans, strict=True):
            seen = phase.seen
            print(
                f"{f'{name}, {what}':<36}{phase.hits:>10.2%}{phase.loads / span:>11.1f}{seen.p50 * 1e3:>8.0f}"
                f"{seen.p99 * 1e3:>8.0f}{seen.refused:>9.2%}{phase.imbalance:>21.2f}",
                flush=True,
            )
    ours, theirs = found["hashing"], found["round robin"]
    print(f"round robin beside hashing: p99 {theirs[0].seen.p99 / ours[0].seen.p99:.1f}x")
    left, came = moved(assumptions.models, PODS)
    few = max(left, came) < 2 / PODS
    print(f"models that move when a pod leaves {left:.1%}, when one comes {came:.1%}; bound 2/N = {2 / PODS:.0%}")
    holds = all(phase.seen.p99 <= TARGET and phase.seen.refused == 0 for phase in ours)
    print(f"few models move: {'yes' if few else 'NO'}; p99 within {TARGET * 1e3:g} ms: {'yes' if holds else 'NO'}")
    return few and holds
