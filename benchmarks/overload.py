"""More requests than can be answered: how much is still answered, how late, and how much is refused.

One serving process, all checks and the log on, in front of a model that computes some milliseconds a row (natively,
without giving up the interpreter). What it can answer a second is measured with callers that ask again when they are
answered; then so many, twice and three times as many are sent a second, whether they are answered or not, by REST and
by gRPC. What is quick is asked by wrk on ever more connections: there each waits for the others, and is not refused.

Usage: python -m benchmarks.overload [--seconds 10] [--milliseconds 10]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import grpc

from tests.integration.offered import Ask, Rest, as_fast_as_answered, at_rate, by_grpc, goodput, told
from tests.unit.serving import packages
from tests.unit.serving.running import BEARER, RunningService
from tests.unit.serving.slow_packages import slow_package

from .serving.tools import wrk

CALLERS = 8
SHARE = 0.8
"""Required of the peak at three times the load."""
CONNECTIONS = (32, 96, 1024)
AUTHORIZATION = BEARER["authorization"]
ROW = {
    "inputs": [
        {"name": "rooms", "shape": [1], "datatype": "FP64", "data": [3]},
        {"name": "age", "shape": [1], "datatype": "FP64", "data": [1]},
    ]
}
_SCRIPT = """
wrk.method = "POST"
wrk.body = '{body}'
wrk.headers["authorization"] = "{authorization}"
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{{"requests":%d,"us":%d,"p99":%d,"refused":%d,"broken":%d}}', summary.requests,
    summary.duration, latency:percentile(99), e.status, e.connect + e.read + e.write + e.timeout))
end
"""


async def door(name: str, ask: Ask, seconds: float) -> bool:
    """Print one door's figures; return whether what is required holds."""
    peak = goodput(await as_fast_as_answered(ask, CALLERS, seconds), seconds)
    print(f"{name}: peak {peak:.1f} a second", flush=True)
    share = 0.0
    for times in (1, 2, 3):
        outcomes = await at_rate(ask, times * peak, seconds)
        share = goodput(outcomes, seconds) / peak
        print(f"  {times}x  {told(outcomes, seconds, peak)}", flush=True)
    return share >= SHARE


async def slow(service: RunningService, seconds: float) -> bool:
    """Print the figures of the slow model at every door."""
    async with AsyncExitStack() as closing:
        rest = Rest(service.settings.rest_address, "p.slow", AUTHORIZATION)
        closing.callback(rest.close)
        channel = await closing.enter_async_context(grpc.aio.insecure_channel(service.settings.grpc_address))
        by_rest = await door("REST, a slow model", rest.ask, seconds)
        return await door("gRPC, a slow model", by_grpc(channel, "p.slow", AUTHORIZATION), seconds) and by_rest


def quick(service: RunningService, seconds: float, scratch: Path) -> bool:
    """Print the figures of the quick model; return whether three times the connections get enough done.

    A thousand connections are printed beside: the load itself takes more of the machine then.
    """
    script = scratch / "post.lua"
    script.write_text(_SCRIPT.format(body=json.dumps(ROW), authorization=AUTHORIZATION))
    url = service.rest("/models/p.quick/infer")
    rates: list[float] = []
    for connections in CONNECTIONS:
        command = [wrk(), "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--timeout", "30s", "-s", str(script), url]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = json.loads(output[output.rindex("{") :])
        rates.append((found["requests"] - found["refused"]) / found["us"] * 1e6)
        print(
            f"REST, a quick model, {connections:5} connections: {rates[-1]:8,.0f} a second, "
            f"p99 {found['p99'] / 1e3:7.1f} ms, refused {found['refused']}, broken {found['broken']}",
            flush=True,
        )
    return rates[1] >= SHARE * rates[0]


def main() -> None:
    """Print the figures; exit 1 where one is not as required."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--milliseconds", type=float, default=10.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="overload-") as name:
        scratch = Path(name)
        service = RunningService(scratch / "home", {"FAIRLEAD_SERVING_QUEUE_SECONDS": "1"})
        service.stderr = scratch / "serving.log"
        version = "projects/p/models/{}/versions/1"
        package = slow_package(scratch / "slow", options.milliseconds / 1e3, computes=True)
        service.add_version(version.format("slow"), package)
        service.add_version(version.format("quick"), packages.regressor(scratch / "quick").folder)
        try:
            service.start()
            for model in ("slow", "quick"):
                service.deploy(model, version.format(model))
            verdicts = [asyncio.run(slow(service, options.seconds)), quick(service, options.seconds, scratch)]
        finally:
            service.close()
    print(f"at least {SHARE:g} of the peak is still answered: {'yes' if all(verdicts) else 'NO'}")
    raise SystemExit(not all(verdicts))


if __name__ == "__main__":
    main()
