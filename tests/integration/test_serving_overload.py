"""Three times as many requests as can be answered: what is answered is right and in time, the rest is refused at once.

The model sleeps while it predicts, so what can be answered in a second does not depend on the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest

from tests.integration.offered import Outcome, Rest, as_fast_as_answered, at_rate, by_grpc, goodput, told
from tests.unit.serving import packages
from tests.unit.serving.running import BEARER, RunningService
from tests.unit.serving.slow_packages import slow_package

SLOW, QUICK = "projects/p/models/slow/versions/1", "projects/p/models/quick/versions/1"
SLEEPS = 0.2
TURNS = 4
AT_ONCE = TURNS - 1
"""One turn is left for other deployments."""
QUEUE_SECONDS = 1.0
LATEST = 6.0
"""Answers take longer on a busy machine than what waits ahead of them says, but they don't wait without end."""
SECONDS = 6.0
RATE = 3 * AT_ONCE / SLEEPS
PAUSE = 0.05
AUTHORIZATION = BEARER["authorization"]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder: Path = tmp_path_factory.mktemp("serving")
    environment = {"FAIRLEAD_SERVING_TURNS": str(TURNS), "FAIRLEAD_SERVING_QUEUE_SECONDS": str(QUEUE_SECONDS)}
    running = RunningService(folder / "home", environment)
    running.add_version(SLOW, slow_package(folder / "slow", SLEEPS))
    running.add_version(QUICK, packages.regressor(folder / "quick").folder)
    running.start()
    running.deploy("slow", SLOW)
    running.deploy("quick", QUICK)
    yield running
    running.close()


def check(door: str, outcomes: list[Outcome], refusal: str, peak: float) -> None:
    print(f"{door}: peak {peak:.1f} a second; at 3x {told(outcomes, SECONDS, peak)}")
    assert [outcome for outcome in outcomes if outcome.code not in ("OK", refusal)] == []
    assert any(outcome.code == refusal for outcome in outcomes)
    for outcome in outcomes:
        assert outcome.seconds < LATEST
        if outcome.code == "OK":
            assert outcome.right
        else:
            assert outcome.retry_after is not None
            assert outcome.retry_after > 0
    assert goodput(outcomes, SECONDS) >= 0.8 * peak


def test_rest_answers_what_it_can_and_refuses_the_rest(service: RunningService) -> None:
    async def load() -> None:
        rest = Rest(service.settings.rest_address, "p.slow", AUTHORIZATION)
        other = Rest(service.settings.rest_address, "p.quick", AUTHORIZATION)
        peak = goodput(await as_fast_as_answered(rest.ask, 2 * AT_ONCE, SECONDS), SECONDS)
        outcomes, others = await asyncio.gather(
            at_rate(rest.ask, RATE, SECONDS), as_fast_as_answered(other.ask, 2, SECONDS, PAUSE)
        )
        check("REST", outcomes, "429", peak)
        # A deployment that is not overloaded notices nothing but a busy machine.
        assert {outcome.code for outcome in others} == {"OK"}
        rest.close()
        other.close()

    asyncio.run(load())


def test_grpc_answers_what_it_can_and_refuses_the_rest(service: RunningService) -> None:
    async def load() -> None:
        async with grpc.aio.insecure_channel(service.settings.grpc_address) as channel:
            ask = by_grpc(channel, "p.slow", AUTHORIZATION)
            peak = goodput(await as_fast_as_answered(ask, 2 * AT_ONCE, SECONDS), SECONDS)
            check("gRPC", await at_rate(ask, RATE, SECONDS), "RESOURCE_EXHAUSTED", peak)

    asyncio.run(load())


def test_deadlines_are_honoured_while_everything_waits(service: RunningService) -> None:
    async def load() -> None:
        rest = Rest(service.settings.rest_address, "p.slow", AUTHORIZATION)
        hasty = Rest(service.settings.rest_address, "p.slow", AUTHORIZATION, grpc_timeout="300m")
        async with grpc.aio.insecure_channel(service.settings.grpc_address) as channel:
            hasty_call = by_grpc(channel, "p.slow", AUTHORIZATION, timeout=0.3)
            others, by_rest, by_call = await asyncio.gather(
                at_rate(rest.ask, RATE, SECONDS),
                as_fast_as_answered(hasty.ask, 2, SECONDS, PAUSE),
                as_fast_as_answered(hasty_call, 2, SECONDS, PAUSE),
            )
        assert {outcome.code for outcome in others} <= {"OK", "429"}
        assert {outcome.code for outcome in by_rest} <= {"OK", "429", "504"}
        assert {outcome.code for outcome in by_call} <= {"OK", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"}
        # None is answered long after its caller left, on a machine that is as busy as this test makes it.
        assert max(outcome.seconds for outcome in (*by_rest, *by_call)) < LATEST
        rest.close()
        hasty.close()

    asyncio.run(load())


def test_what_is_under_way_and_refused_is_told(service: RunningService) -> None:
    text = httpx.get(f"http://{service.settings.metrics_address}/metrics", headers=BEARER).text
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    found = {name: float(value) for name, _, value in lines}
    assert found['fairlead_admission_refused_total{reason="time"}'] > 0
    assert found["fairlead_admission_waiting"] == 0
    assert found["fairlead_admission_computing"] == 0
    assert found['fairlead_queued_requests{door="open_inference_rest"}'] == 0
