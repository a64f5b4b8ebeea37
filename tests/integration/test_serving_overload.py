"""Three times as many requests as can be answered: what is answered is right and in time, the rest is refused at once.

The model sleeps while it predicts, so what can be answered in a second does not depend on the machine.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import cloudpickle
import grpc
import httpx
import numpy as np
import pytest

from fairlead.api.inference.v2 import open_inference_pb2
from fairlead.api.inference.v2.open_inference_pb2_grpc import GRPCInferenceServiceStub
from fairlead.api.trainer.v1 import model_pb2
from fairlead.kit.rpc.status import from_rpc_error
from tests.unit.serving import packages
from tests.unit.serving.running import BEARER, TOKEN, RunningService

SLOW, QUICK = "projects/p/models/slow/versions/1", "projects/p/models/quick/versions/1"
SLEEPS = 0.2
TURNS = 4
AT_ONCE = TURNS - 1
"""One turn is left for other deployments."""
QUEUE_SECONDS = 1.0
LATEST = 6.0
"""Answers take longer on a busy machine than what waits ahead of them says, but they don't wait without end."""
SECONDS = 6.0
PAUSE = 0.05
METADATA = (("authorization", f"Bearer {TOKEN}"),)


class Sleeper:
    """A price that takes its time; pickled by value."""

    def predict_columns(self, columns: dict[str, Any]) -> Any:
        import time

        time.sleep(SLEEPS)
        return columns["rooms"] * 2.0


@dataclass(frozen=True)
class Outcome:
    """What one request was answered, and how long that took."""

    code: str
    seconds: float
    right: bool = False
    retry_after: float | None = None


Ask = Callable[[float], Coroutine[Any, Any, Outcome]]
"""Asks for the price of a house of so many rooms."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("serving")
    environment = {
        "FAIRLEAD_SERVING_TURNS": str(TURNS),
        "FAIRLEAD_SERVING_QUEUE_SECONDS": str(QUEUE_SECONDS),
    }
    running = RunningService(folder / "home", environment)
    running.add_version(SLOW, sleeping_package(folder / "slow"))
    running.add_version(QUICK, packages.regressor(folder / "quick").folder)
    running.start()
    running.deploy("slow", SLOW)
    running.deploy("quick", QUICK)
    yield running
    running.close()


def sleeping_package(folder: Path) -> Path:
    package = packages.regressor(folder)
    package.manifest.runtime = model_pb2.MODEL_RUNTIME_NATIVE
    packages._write_rest(folder, package.manifest, package.pipeline)
    import tests.integration.test_serving_overload as here

    cloudpickle.register_pickle_by_value(here)
    try:
        (folder / "native" / "model.pkl").write_bytes(cloudpickle.dumps(Sleeper()))
    finally:
        cloudpickle.unregister_pickle_by_value(here)
    return folder


def body(rooms: float) -> dict[str, Any]:
    return {
        "inputs": [
            {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
            for name, value in (("rooms", rooms), ("age", 1.0))
        ],
        "outputs": [{"name": "predict"}],
    }


def infer_request(rooms: float) -> open_inference_pb2.ModelInferRequest:
    request = open_inference_pb2.ModelInferRequest(model_name="p.slow")
    for name, value in (("rooms", rooms), ("age", 1.0)):
        request.inputs.add(name=name, datatype="FP64", shape=[1]).contents.fp64_contents.append(value)
    return request


def by_rest(client: httpx.AsyncClient, url: str, **headers: str) -> Ask:
    async def ask(rooms: float) -> Outcome:
        began = time.monotonic()
        response = await client.post(url, json=body(rooms), headers=headers)
        took = time.monotonic() - began
        if response.status_code == 200:
            return Outcome("OK", took, response.json()["outputs"][0]["data"] == [rooms * 2.0])
        retry_after = response.headers.get("retry-after")
        return Outcome(str(response.status_code), took, retry_after=float(retry_after) if retry_after else None)

    return ask


def by_grpc(channel: grpc.aio.Channel, timeout: float | None = 30.0) -> Ask:
    stub: Any = GRPCInferenceServiceStub(channel)

    async def ask(rooms: float) -> Outcome:
        began = time.monotonic()
        try:
            response = await stub.ModelInfer(infer_request(rooms), metadata=METADATA, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            took = time.monotonic() - began
            return Outcome(error.code().name, took, retry_after=from_rpc_error(error).retry_after)
        took = time.monotonic() - began
        predicted = np.frombuffer(response.raw_output_contents[0]).tolist()
        return Outcome("OK", took, predicted == [rooms * 2.0])

    return ask


async def as_fast_as_answered(ask: Ask, callers: int) -> list[Outcome]:
    until = time.monotonic() + SECONDS

    async def call(number: int) -> list[Outcome]:
        outcomes = []
        while time.monotonic() < until:
            outcomes.append(await ask(float(number)))
        return outcomes

    return [outcome for found in await asyncio.gather(*map(call, range(callers))) for outcome in found]


async def at_rate(ask: Ask, rate: float) -> list[Outcome]:
    """Send so many a second, whether they are answered or not."""
    began = time.monotonic()
    tasks = []
    for number in range(int(rate * SECONDS)):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(ask(float(number))))
    return await asyncio.gather(*tasks)


def goodput(outcomes: list[Outcome]) -> float:
    return sum(outcome.right for outcome in outcomes) / SECONDS


def tell(door: str, peak: float, outcomes: list[Outcome]) -> None:
    answered = [outcome.seconds for outcome in outcomes if outcome.code == "OK"]
    print(
        f"{door}: peak {peak:.0f}/s, at 3x {goodput(outcomes):.0f}/s ({goodput(outcomes) / peak:.2f} of peak), "
        f"{dict(Counter(outcome.code for outcome in outcomes))}, p99 of answers {quantiles(answered, n=100)[98]:.2f} s"
    )


def check(outcomes: list[Outcome], refusal: str, peak: float) -> None:
    assert {outcome.code for outcome in outcomes} == {"OK", refusal}
    for outcome in outcomes:
        assert outcome.seconds < LATEST
        if outcome.code == "OK":
            assert outcome.right
        else:
            assert outcome.retry_after is not None
            assert outcome.retry_after > 0
    assert goodput(outcomes) >= 0.8 * peak


def test_rest_answers_what_it_can_and_refuses_the_rest(service: RunningService) -> None:
    asyncio.run(overload_rest(service))


async def overload_rest(service: RunningService) -> None:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(headers=BEARER, timeout=30.0, limits=limits) as client:
        ask = by_rest(client, service.rest("/models/p.slow/infer"))
        peak = goodput(await as_fast_as_answered(ask, 2 * AT_ONCE))
        outcomes, others = await asyncio.gather(
            at_rate(ask, 3 * AT_ONCE / SLEEPS), as_fast_as_answered(quick_of(client, service), 2)
        )
    tell("REST", peak, outcomes)
    check(outcomes, "429", peak)
    # A deployment that is not overloaded notices nothing but a busy machine.
    assert {outcome.code for outcome in others} == {"OK"}


def quick_of(client: httpx.AsyncClient, service: RunningService) -> Ask:
    url = service.rest("/models/p.quick/infer")

    async def ask(rooms: float) -> Outcome:
        began = time.monotonic()
        response = await client.post(url, json=body(rooms))
        await asyncio.sleep(PAUSE)
        return Outcome("OK" if response.status_code == 200 else str(response.status_code), time.monotonic() - began)

    return ask


def test_grpc_answers_what_it_can_and_refuses_the_rest(service: RunningService) -> None:
    asyncio.run(overload_grpc(service))


async def overload_grpc(service: RunningService) -> None:
    async with grpc.aio.insecure_channel(service.settings.grpc_address) as channel:
        ask = by_grpc(channel)
        peak = goodput(await as_fast_as_answered(ask, 2 * AT_ONCE))
        outcomes = await at_rate(ask, 3 * AT_ONCE / SLEEPS)
    tell("gRPC", peak, outcomes)
    check(outcomes, "RESOURCE_EXHAUSTED", peak)


def test_deadlines_are_honoured_while_everything_waits(service: RunningService) -> None:
    asyncio.run(hurry(service))


async def hurry(service: RunningService) -> None:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with (
        httpx.AsyncClient(headers=BEARER, timeout=30.0, limits=limits) as client,
        grpc.aio.insecure_channel(service.settings.grpc_address) as channel,
    ):
        url = service.rest("/models/p.slow/infer")
        load, hasty, hasty_call = await asyncio.gather(
            at_rate(by_rest(client, url), 3 * AT_ONCE / SLEEPS),
            as_fast_as_answered(by_rest(client, url, **{"grpc-timeout": "300m"}), 2),
            as_fast_as_answered(by_grpc(channel, timeout=0.3), 2),
        )
    print("hasty:", Counter(outcome.code for outcome in hasty), Counter(outcome.code for outcome in hasty_call))
    assert {outcome.code for outcome in load} <= {"OK", "429"}
    assert {outcome.code for outcome in hasty} <= {"OK", "429", "504"}
    assert {outcome.code for outcome in hasty_call} <= {"OK", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"}
    # None is answered long after its caller left, on a machine that is as busy as this test makes it.
    assert max(outcome.seconds for outcome in (*hasty, *hasty_call)) < LATEST


def test_what_is_under_way_and_refused_is_told(service: RunningService) -> None:
    text = httpx.get(f"http://{service.settings.metrics_address}/metrics", headers=BEARER).text
    found = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}
    assert found['fairlead_admission_refused_total{reason="time"}'] > 0
    assert found["fairlead_admission_waiting"] == 0
    assert found["fairlead_admission_computing"] == 0
