"""The simulation of autoscaling: its parts, and that its figures depend on nothing but the seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
import yaml

from benchmarks.autoscaling.assumptions import Assumptions
from benchmarks.autoscaling.cluster import REFUSED, Cluster, Outcome
from benchmarks.autoscaling.figures import back_after, window, worst_p99
from benchmarks.autoscaling.hpa import Rule
from benchmarks.autoscaling.many_models import moved
from benchmarks.autoscaling.many_models import simulate as simulate_models
from benchmarks.autoscaling.model_memory import ModelMemory
from benchmarks.autoscaling.pod import Pod, Request
from benchmarks.autoscaling.policies import VALUES, Policy, fixed, shipped
from benchmarks.autoscaling.processor import Processor
from benchmarks.autoscaling.routing import HASHING, ROUND_ROBIN
from benchmarks.autoscaling.spike import result, simulate
from benchmarks.autoscaling.timeline import Timeline
from benchmarks.autoscaling.traffic import Requests, Spike, requests

SLOW = Assumptions(compute_seconds=0.05, models=50)
"""Few requests make a load."""
SPIKE = Spike(rate=10, times=10, before=60, ramp=10, held=80, after=30, warm_up=60)


def outcome(latencies: list[float]) -> Outcome:
    """Return the outcome of a request a second."""
    times = np.arange(len(latencies), dtype=float)
    return Outcome(times, np.array(latencies), np.ones(len(latencies), dtype=int))


def sent(times: list[float], seconds: float) -> Requests:
    """Return requests for one model that take so many seconds each."""
    return Requests(np.array(times), np.zeros(len(times), dtype=int), np.full(len(times), seconds))


def test_the_same_seed_gives_the_same_figures_and_another_one_others() -> None:
    policy = Policy("scaled", 2, 10, in_flight=4, cpu=0.5)

    def figures(seed: int) -> Outcome:
        return simulate(policy, SLOW, requests(SPIKE, SLOW, np.random.default_rng(seed)), seed, SPIKE)

    first, again, other = figures(1), figures(1), figures(2)
    assert np.array_equal(first.latencies, again.latencies)
    assert np.array_equal(first.pods, again.pods)
    assert not np.array_equal(first.times, other.times)


def test_the_rate_rises_within_the_ramp_and_falls_at_once() -> None:
    rates = SPIKE.rates(np.array([0, 119, 125, 130, 209, 211, 239], dtype=float))
    assert rates.tolist() == pytest.approx([10, 10, 55, 100, 100, 10, 10])


def test_as_many_requests_come_as_the_rates_say_and_take_what_is_assumed() -> None:
    found = requests(SPIKE, SLOW, np.random.default_rng(1))
    expected = 10 * (120 + 30) + 550 + 100 * 80
    assert found.times.size == pytest.approx(expected, rel=0.05)
    assert found.seconds.mean() == pytest.approx(SLOW.compute_seconds, rel=0.05)
    counts = np.bincount(found.models, minlength=50)
    assert counts[0] / counts[1] == pytest.approx(2, rel=0.1)


def test_jobs_share_the_cores_evenly_and_none_has_more_than_one() -> None:
    timeline, ended = Timeline(), list[tuple[str, object]]()
    processor = Processor(timeline, 1)
    processor.add(1, lambda: ended.append(("long", timeline.now)))
    timeline.at(0.5, processor.add, 0.25, lambda: ended.append(("short", timeline.now)))
    timeline.run(10)
    assert ended == [("short", pytest.approx(1.0)), ("long", pytest.approx(1.25))]
    assert processor.busy() == pytest.approx(1.25)

    wide = Processor(timeline, 4)
    wide.add(2, lambda: ended.append(("alone", timeline.now)))
    timeline.run(20)
    assert ended[-1] == ("alone", pytest.approx(12))


def test_the_least_recently_used_model_goes() -> None:
    memory = ModelMemory(mib=2, model_mib=1)
    memory.keep("a")
    memory.keep("b")
    assert memory.use("a")
    memory.keep("c")
    assert (memory.use("a"), memory.use("b"), memory.use("c"), len(memory)) == (True, False, True, 2)


def test_a_pod_loads_a_model_once_for_all_who_wait_for_it() -> None:
    timeline, ended = Timeline(), list[tuple[int, bool, object]]()
    pod = Pod(
        "pod", timeline, SLOW, lambda pod, request, answered: ended.append((request.number, answered, timeline.now))
    )
    for number in range(2):
        pod.take(Request(number, "m", 0, 0.1, 0))
    timeline.run(1)
    assert (pod.loads, pod.hits, pod.asked, pod.in_flight) == (1, 0, 2, 0)
    assert ended == [(0, True, pytest.approx(0.22)), (1, True, pytest.approx(0.22))]


def test_what_would_wait_too_long_is_refused_at_once() -> None:
    cluster = Cluster(fixed(1), SLOW, np.random.default_rng(1))
    found = cluster.run(sent(np.linspace(0, 10, 500).tolist(), 0.1), 10)
    answered = found.latencies[found.latencies != REFUSED]
    assert 100 < answered.size < 250
    assert answered.max() < SLOW.queue_seconds + 4 * 0.1 + 0.1


def test_a_new_pod_is_asked_once_it_is_ready_and_found() -> None:
    cluster = Cluster(fixed(1), SLOW, np.random.default_rng(1))
    cluster.timeline.at(10, cluster.scale, 2)
    begun: list[int] = []
    earliest = 10 + SLOW.start_seconds
    latest = 10 + SLOW.start_seconds_most + SLOW.dns_seconds + SLOW.follow_seconds
    for time in (earliest - 0.1, latest + 5):
        cluster.timeline.at(time, lambda: begun.append(sum(each > 0 for each in cluster.counts().busy.values())))
    cluster.run(requests(Spike(30, 1, 40, 0, 0, 0, 0), SLOW, np.random.default_rng(1)), 40)
    assert begun == [1, 2]


def test_pods_that_go_answer_what_they_have() -> None:
    cluster = Cluster(fixed(4), SLOW, np.random.default_rng(1))
    cluster.timeline.at(10, cluster.scale, 2)
    found = cluster.run(requests(Spike(20, 1, 40, 0, 0, 0, 0), SLOW, np.random.default_rng(1)), 40)
    assert found.latencies.min() > 0
    assert (found.pods[9], found.pods[-1]) == (4, 2)


def test_room_for_ten_times_the_load_holds_the_p99_and_less_does_not() -> None:
    traffic = requests(SPIKE, SLOW, np.random.default_rng(1))

    def holds(cpu: float) -> bool:
        policy = Policy("scaled", 1, 20, in_flight=8, cpu=cpu, requested=0.25)
        return result(policy, simulate(policy, SLOW, traffic, 1, SPIKE), SPIKE).worst < 0.5

    assert holds(0.3)
    assert not holds(0.8)


def test_the_shipped_policy_is_what_the_chart_says() -> None:
    scaling = yaml.safe_load(VALUES.read_text())["autoscaling"]
    policy = shipped()
    assert (policy.fewest, policy.most) == (scaling["serving"]["minReplicas"], scaling["serving"]["maxReplicas"])
    assert policy.in_flight == scaling["serving"]["inFlight"]
    assert policy.cpu == pytest.approx(scaling["serving"]["cpuPercent"] / 100)
    assert policy.down.rules == tuple(
        Rule(each["type"], each["value"], each["periodSeconds"])
        for each in scaling["behavior"]["scaleDown"]["policies"]
    )
    assert 0 < policy.requested <= 64


def test_hashing_keeps_models_in_memory_and_few_move() -> None:
    few = SLOW.but(models=200, models_mib=20, load_seconds=0.005, compute_seconds=0.02)
    hashed, spread = (simulate_models(routing, few, 1, 100)[0].hits for routing in (HASHING, ROUND_ROBIN))
    assert hashed > 0.95 > spread
    left, came = moved(1000, 20)
    assert 0 < left < 2 / 20
    assert 0 < came < 2 / 20


def test_figures_tell_refused_ones_apart_from_late_ones() -> None:
    found = window(outcome([0.1, 0.1, 0.3, REFUSED]), 0, 4, target=0.2)
    assert (found.p50, found.refused, found.late) == (0.1, 0.25, 0.5)
    assert window(outcome([REFUSED]), 0, 1, target=0.2).p99 == math.inf


def test_the_worst_fifteen_seconds_are_found() -> None:
    assert worst_p99(outcome([0.1] * 20 + [9.0] + [0.1] * 20), 0, 41, target=0.2) > 5
    assert worst_p99(outcome([0.1] * 41), 0, 41, target=0.2) == pytest.approx(0.1)


def test_it_is_back_once_nobody_is_late_or_refused_any_more() -> None:
    assert back_after(outcome([0.1] * 40), 0, 40, target=0.2) == 0
    assert back_after(outcome([0.1] * 10 + [REFUSED] + [0.1] * 29), 0, 40, target=0.2) == 15
    assert back_after(outcome([0.1] * 39 + [9.0]), 0, 40, target=0.2) is None
