"""Ten times the load within seconds, under several policies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .assumptions import Assumptions
from .cluster import Cluster, Outcome
from .figures import Window, back_after, window, worst_p99
from .policies import Policy, fixed, on_cpu, shipped
from .traffic import Requests, Spike, requests

SPIKE = Spike(rate=100, times=10, before=120, ramp=10, held=180, after=420)
SHORT = Spike(rate=100, times=10, before=60, ramp=10, held=65, after=0)
PEAK_PODS = 20
"""So many pods are allowed where CPU targets are compared."""
TARGET = 0.25
"""Seconds that the p99 shall stay within: what is promised of the gateway (scripts/observability/slos.py)."""
LATE = 0.001
"""The share of a spike's requests that may be refused or late where a policy is said to hold: as is promised."""


@dataclass(frozen=True)
class Result:
    """A policy's figures."""

    policy: Policy
    before: Window
    during: Window
    after: Window | None
    worst: float
    back: float | None
    pods_before: int
    pods_most: int
    pods_mean: float

    @property
    def holds(self) -> bool:
        """Whether every 15 seconds of the spike had a p99 within the target, and next to nobody was refused."""
        return self.worst <= TARGET and self.during.late <= LATE


def simulate(policy: Policy, assumptions: Assumptions, sent: Requests, seed: int, spike: Spike = SPIKE) -> Outcome:
    """Return what becomes of a spike's requests; begins with the pods that the steady load needs at the CPU target."""
    needed = spike.rate * assumptions.compute_seconds / (policy.requested * (policy.cpu or 1.0))
    pods = min(max(math.ceil(needed), policy.fewest), policy.most)
    return Cluster(policy, assumptions, np.random.default_rng(seed), pods=pods).run(sent, spike.end)


def result(policy: Policy, outcome: Outcome, spike: Spike = SPIKE) -> Result:
    """Return a policy's figures."""
    begins, ends = spike.begins, spike.ends
    counted = outcome.pods[int(spike.warm_up) :]
    return Result(
        policy,
        window(outcome, spike.warm_up, begins, TARGET),
        window(outcome, begins, ends, TARGET),
        window(outcome, ends, spike.end, TARGET) if spike.after else None,
        worst_p99(outcome, begins, ends, TARGET),
        back_after(outcome, begins, ends, TARGET),
        int(outcome.pods[int(begins)]),
        int(counted.max()),
        float(counted.mean()),
    )


def main(seed: int) -> bool:
    """Print every policy's figures; return whether the shipped one holds."""
    assumptions = Assumptions()
    sent = requests(SPIKE, assumptions, np.random.default_rng(seed))
    cores = SPIKE.rate * assumptions.compute_seconds
    print(
        f"\n{SPIKE.rate:g} requests a second ({cores:.2f} cores), {SPIKE.times:g} times as many within "
        f"{SPIKE.ramp:g} s for {SPIKE.held / 60:g} minutes, then as before; target: p99 within {TARGET * 1e3:g} ms\n"
    )
    ours = shipped()
    full = assumptions.but(cores=ours.requested)
    slow = assumptions.but(start_seconds=60.0, start_seconds_most=60.0, dns_seconds=30.0)
    peers = [
        (ours.but(name="shipped (hpa)", in_flight=None), assumptions),
        (ours.but(name="shipped, 60 s to start"), slow),
        (on_cpu(ours.fewest, ours.most, ours.requested), assumptions),
        (on_cpu(ours.fewest, ours.most, assumptions.cores), assumptions),
        (ours.but(name=f"shipped, {assumptions.cores:g} core requested", requested=assumptions.cores), assumptions),
        (fixed(math.ceil(2 * cores), ours.requested), assumptions),
        (fixed(math.ceil(SPIKE.times * cores / 0.8), ours.requested), assumptions),
        (ours.but(name="shipped, nodes full", most=round(ours.most * assumptions.cores / ours.requested)), full),
    ]
    print(_HEAD)
    outcome = simulate(ours, assumptions, sent, seed)
    first = result(ours, outcome)
    print(_row(first), flush=True)
    for policy, others in peers:
        found = result(policy, simulate(policy, others, sent, seed))
        print(f"{_row(found)}   {_beside(found, first)}", flush=True)
    begins = int(SPIKE.begins)
    print(f"\nshipped, pods every 15 s from the spike on: {' '.join(map(str, outcome.pods[begins::15]))}")
    headroom(ours, assumptions, seed)
    print(f"\nthe shipped policy holds p99 through the spike: {'yes' if first.holds else 'NO'}")
    return first.holds


def headroom(ours: Policy, assumptions: Assumptions, seed: int) -> None:
    """Print what CPU targets absorb before a pod has started."""
    sent = requests(SHORT, assumptions, np.random.default_rng(seed))
    print(f"\n{'CPU target':>10}{'room':>7}{'pods':>6}{'worst 15 s':>12}{'refused':>9}{'late':>8}{'back after':>12}")
    for percent in (70, 50, 35):
        policy = ours.but(cpu=percent / 100, most=max(ours.most, PEAK_PODS))
        found = result(policy, simulate(policy, assumptions, sent, seed, SHORT), SHORT)
        room = assumptions.cores / (policy.requested * percent / 100)
        print(
            f"{percent:>8} %{room:>6.1f}x{found.pods_before:>6}{found.worst * 1e3:>9.0f} ms{found.during.refused:>9.2%}"
            f"{found.during.late:>8.2%}{_back(found):>12}",
            flush=True,
        )


_HEAD = (
    f"{'':<28}{'steady':^20}{'during the spike':^48}{'after':^8}{'pods':^16}\n"
    f"{'p50, p99 in ms':<28}{'p50':>6}{'p99':>7}{'pods':>6} "
    f"{'p50':>7}{'p99':>8}{'worst 15 s':>12}{'refused':>9}{'late':>8}{'back after':>12}"
    f"{'p99':>7}{'most':>7}{'mean':>7}   beside the shipped one"
)


def _row(found: Result) -> str:
    before, during = found.before, found.during
    after = found.after.p99 * 1e3 if found.after else math.nan
    return (
        f"{found.policy.name:<28}{before.p50 * 1e3:>6.0f}{before.p99 * 1e3:>7.0f}{found.pods_before:>6} "
        f"{during.p50 * 1e3:>7.0f}{during.p99 * 1e3:>8.0f}{found.worst * 1e3:>12.0f}{during.refused:>9.2%}"
        f"{during.late:>8.2%}{_back(found):>12}{after:>7.0f}{found.pods_most:>7}{found.pods_mean:>7.1f}"
    )


def _back(found: Result) -> str:
    return "never" if found.back is None else f"{found.back:.0f} s"


def _beside(found: Result, first: Result) -> str:
    requested = found.pods_mean * found.policy.requested / (first.pods_mean * first.policy.requested)
    return f"worst p99 {found.worst / first.worst:.1f}x, cores requested {requested:.2f}x"
