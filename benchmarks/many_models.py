"""A thousand models behind one serving process: what warm and cold ones cost, and how much memory they take.

One model is trained (benchmarks.serving's: LightGBM, 200 trees, 14 mixed columns) and varied in its leaves, so that
every file is another. The process is the real one: token, checks, metrics and prediction log are on. Requests are
single rows in JSON over HTTP, by wrk; which model a request is for follows Zipf's law. Cold are models that were
never loaded: asked for one after another by a caller alone, and again while wrk keeps the process busy with others.

Latencies are compared at the same load: as many requests a second for one model as for all, half of what all can
answer, with pauses between them as independent callers make them. Without pauses every caller waits for all others, and
latency is only the rate told otherwise: one model's requests are computed together and find its trees in the
processor's cache, so that many models answer fewer. Both figures are printed.

The bounds are for models; what the process holds at most, all told, is printed beside them.

Usage: python -m benchmarks.many_models [--models 1000] [--seconds 15]
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from threading import Event, Thread

import httpx
import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

from tests.unit.serving.running import BEARER, RunningService

from .serving.requests import open_inference, probability_of
from .serving.scenario import Scenario, build
from .serving.server import memory_mb
from .serving.tools import wrk

WARM_RATIO, COLD_P50_MS, PROCESS_MB = 3.0, 50.0, 2048
"""What is required."""
COLD_SHARE = 0.1
"""Of the models, this share is left to be asked for while others are busy."""
PROBE_SECONDS = 0.1
LOAD_SHARE = 0.5
"""Of what all models together can answer, so much is asked where latencies are compared."""
CHECKED_EVERY = 25
MEGABYTE = 1024 * 1024

_SCRIPT = """
local names, sums, total, requests = {{}}, {{}}, 0, {{}}
for name in io.lines("{names}") do
  names[#names + 1] = name
  total = total + 1 / (#names) ^ {exponent}
  sums[#sums + 1] = total
end
function init(args)
  math.randomseed({seed})
  local body = io.open("{body}", "rb"):read("*a")
  local headers = {{["content-type"] = "application/json", ["authorization"] = "{authorization}"}}
  for i, name in ipairs(names) do
    requests[i] = wrk.format("POST", "/v2/models/p." .. name .. "/infer", headers, body)
  end
end
function request()
  local wanted, low, high = math.random() * total, 1, #sums
  while low < high do
    local middle = math.floor((low + high) / 2)
    if sums[middle] < wanted then low = middle + 1 else high = middle end
  end
  return requests[low]
end
function delay()
  if {pause} == 0 then return 0 end
  return math.floor(-{pause} * math.log(1 - math.random()) + 0.5)
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{{"requests":%d,"us":%d,"p50":%d,"p99":%d,"bad":%d}}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status + e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass(frozen=True)
class Found:
    """Requests a second, and latencies in ms."""

    rate: float
    p50: float
    p99: float

    def __str__(self) -> str:
        return f"{self.rate:8,.0f} a second   p50 {self.p50:7.2f} ms   p99 {self.p99:7.2f} ms"


class Models:
    """The deployed models, and how to ask them."""

    def __init__(self, service: RunningService, scenario: Scenario, count: int) -> None:
        self.service = service
        self.names = [f"m{number:04d}" for number in range(count)]
        self._graph = onnx.load_from_string(scenario.graph.read_bytes())
        self._scenario = scenario
        self._row = {
            scenario.tensors[name]: np.array([[value]], dtype=object if isinstance(value, str) else np.float64)
            for name, value in scenario.row.items()
        }
        self.body = json.dumps(open_inference(scenario, [scenario.row])).encode()

    def graph(self, number: int) -> bytes:
        """The graph of one model: leaves a little larger than the last one's."""
        graph = onnx.ModelProto()
        graph.CopyFrom(self._graph)
        weights = next(
            attribute.t
            for node in graph.graph.node
            for attribute in node.attribute
            if attribute.name == "target_weights_as_tensor"
        )
        weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights) * (1 + number / 2000), "weights"))
        return graph.SerializeToString()

    def store(self, scratch: Path) -> int:
        """Put every model's package into the blob store; return the bytes of their graphs."""
        size = 0
        folder = scratch / "package"
        folder.mkdir()
        for file in ("manifest.json", "reference.json"):
            (folder / file).write_bytes((self._scenario.package / file).read_bytes())
        for number, name in enumerate(self.names):
            graph = self.graph(number)
            size += len(graph)
            (folder / "model.onnx").write_bytes(graph)
            self.service.add_version(self.version(name), folder)
            self.service.models.versions[self.version(name)].manifest.CopyFrom(self._scenario.manifest)
        return size

    def version(self, name: str) -> str:
        """The model version behind a deployment."""
        return f"projects/p/models/{name}/versions/1"

    def deploy(self) -> None:
        """Create a deployment for every model."""
        with ThreadPoolExecutor(4) as callers:
            list(callers.map(lambda name: self.service.deploy(name, self.version(name)), self.names))

    def ask(self, connection: http.client.HTTPConnection, name: str) -> tuple[float, float]:
        """Milliseconds until one row is answered, and the probability that is."""
        began = time.perf_counter()
        headers = {**BEARER, "content-type": "application/json"}
        connection.request("POST", f"/v2/models/p.{name}/infer", self.body, headers)
        response = connection.getresponse()
        answer = response.read()
        took = (time.perf_counter() - began) * 1000
        if response.status != 200:
            raise SystemExit(f"{name} answers {response.status}: {answer[:500]!r}")
        return took, probability_of(json.loads(answer))

    def expected(self, name: str) -> float:
        """What ONNX Runtime says of the file itself."""
        session = ort.InferenceSession(self.graph(self.names.index(name)), providers=["CPUExecutionProvider"])
        return float(session.run(["probabilities"], self._row)[0][0, 1])

    def metrics(self) -> dict[str, float]:
        """The process's own counts, labels added up."""
        answer = httpx.get(f"http://{self.service.settings.metrics_address}/metrics", headers=BEARER, timeout=30)
        found: dict[str, float] = {}
        for line in answer.text.splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                name = name.partition("{")[0]
                found[name] = found.get(name, 0.0) + float(value)
        return found


def zipf(
    models: Models, names: Sequence[str], options: argparse.Namespace, scratch: Path, seconds: float, pause: float = 0.0
) -> Found:
    """What wrk finds with requests for these models, the first the most; each caller pauses so many ms on average."""
    (scratch / "names").write_text("".join(f"{name}\n" for name in names))
    (scratch / "body").write_bytes(models.body)
    script = scratch / "zipf.lua"
    script.write_text(
        _SCRIPT.format(
            names=scratch / "names",
            body=scratch / "body",
            exponent=options.exponent,
            seed=1,
            authorization=BEARER["authorization"],
            pause=round(pause, 3),
        )
    )
    url = f"http://{models.service.settings.rest_address}"
    command = [wrk(), "-t1", f"-c{options.connections}", f"-d{round(seconds)}s", "--timeout", "60s", "-s", str(script)]
    output = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    found = json.loads(output[output.rindex("{") :])
    if found["bad"]:
        raise SystemExit(f"{found['bad']} of {found['requests']} requests failed")
    return Found(found["requests"] / found["us"] * 1e6, found["p50"] / 1e3, found["p99"] / 1e3)


def cold(models: Models, names: Sequence[str], stop: Event | None = None, pause: float = 0.0) -> list[float]:
    """Milliseconds of each model's first request, one after another; checks some answers."""
    connection = http.client.HTTPConnection(models.service.settings.rest_address, timeout=60)
    taken = []
    for place, name in enumerate(names):
        if stop is not None and stop.wait(pause):
            break
        took, probability = models.ask(connection, name)
        taken.append(took)
        if place % CHECKED_EVERY == 0 and abs(probability - models.expected(name)) > 1e-6:
            raise SystemExit(f"{name} answers {probability} instead of {models.expected(name)}")
    connection.close()
    return taken


@contextmanager
def probing(models: Models, names: Sequence[str], taken: list[float]) -> Iterator[None]:
    """Ask cold models now and then while the block runs."""
    stop = Event()
    thread = Thread(target=lambda: taken.extend(cold(models, names, stop, PROBE_SECONDS)))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def process(models: Models, models_mb: int) -> Iterator[int]:
    """Run the service with a bound for its models; yields its process id."""
    service = models.service
    service.spawn(FAIRLEAD_SERVING_MODELS_MB=str(models_mb))
    service.wait_until_ready()
    assert service.process is not None
    try:
        yield service.process.pid
    finally:
        service.process.terminate()
        service.process.wait(60)


def peak_mb(pid: int) -> float:
    """The most resident memory the process ever had, in MiB."""
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def told(taken: Sequence[float]) -> str:
    """Figures of cold starts."""
    if len(taken) < 2:
        return "too few"
    return f"{len(taken):5} models          p50 {median(taken):7.2f} ms   p99 {quantiles(taken, n=100)[98]:7.2f} ms"


def roomy(models: Models, options: argparse.Namespace, scratch: Path) -> list[tuple[str, bool]]:
    """With room for all: cold starts, then traffic over all, beside traffic to one."""
    reserved = max(2, int(len(models.names) * COLD_SHARE))
    names, later = models.names[:-reserved], models.names[-reserved:]
    with process(models, options.models_mb) as pid:
        before = memory_mb(pid) * 1e6 / MEGABYTE
        print(f"\nbound of {options.models_mb} MiB for models; the process alone holds {before:.0f} MiB")
        zipf(models, names[:1], options, scratch, 3)
        single = zipf(models, names[:1], options, scratch, options.seconds)
        print(f"{'one model':<34} {single}", flush=True)
        alone = cold(models, names[1:])
        print(f"{'cold, a caller alone':<34} {told(alone)}", flush=True)
        full = zipf(models, names, options, scratch, options.seconds)
        print(f"{f'Zipf over {len(names)} warm models':<34} {full}   {full.p99 / single.p99:.2f}x the p99 of one")
        pause = options.connections / (full.rate * LOAD_SHARE) * 1000
        steady = zipf(models, names[:1], options, scratch, options.seconds, pause)
        print(f"{'one model, at half that rate':<34} {steady}", flush=True)
        warm = zipf(models, names, options, scratch, options.seconds, pause)
        print(f"{f'Zipf over {len(names)}, at the same rate':<34} {warm}   {warm.p99 / steady.p99:.2f}x the p99 of one")
        busy: list[float] = []
        with probing(models, later, busy):
            mixed = zipf(models, names, options, scratch, options.seconds, pause)
        print(f"{'the same while others load':<34} {mixed}   {mixed.p99 / steady.p99:.2f}x")
        print(f"{'cold, beside that traffic':<34} {told(busy)}")
        peak = peak_mb(pid)
        usage(models, peak)
    return [
        (f"warm p99 <= {WARM_RATIO:g}x that of one model", warm.p99 <= WARM_RATIO * steady.p99),
        (f"cold p50 < {COLD_P50_MS:g} ms", median(alone) < COLD_P50_MS),
        (f"the process stays below {PROCESS_MB} MiB", peak < PROCESS_MB),
    ]


def tight(models: Models, options: argparse.Namespace, scratch: Path) -> list[tuple[str, bool]]:
    """With room for some: what eviction costs, and that the bound holds."""
    with process(models, options.tight_mb) as pid:
        zipf(models, models.names[:1], options, scratch, 3)
        before = memory_mb(pid) * 1e6 / MEGABYTE
        print(f"\nbound of {options.tight_mb} MiB for models; the process alone holds {before:.0f} MiB")
        zipf(models, models.names, options, scratch, options.seconds)
        found = zipf(models, models.names, options, scratch, options.seconds)
        print(f"{f'Zipf over {len(models.names)} models, misses too':<34} {found}")
        peak = peak_mb(pid)
        usage(models, peak)
    return [("the bound holds when models come and go", peak < before + 1.1 * options.tight_mb)]


def usage(models: Models, peak: float) -> None:
    """Print what the process counted."""
    found = models.metrics()
    loads, hits = found["fairlead_model_loads_total"], found["fairlead_model_cache_hits_total"]
    seconds = found["fairlead_model_load_seconds_sum"] / loads
    print(
        f"loads {loads:,.0f} ({seconds * 1e3:.1f} ms each), hits {hits:,.0f} ({hits / (hits + loads):.2%}), "
        f"evictions {found.get('fairlead_model_evictions_total', 0):,.0f}; {found['fairlead_models_loaded']:.0f} "
        f"models hold {found['fairlead_models_bytes'] / MEGABYTE:.0f} MiB; peak of the process {peak:.0f} MiB",
        flush=True,
    )


def main() -> None:
    """Print the figures; exit 1 where one is not as required."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="many-models-") as name:
        scratch = Path(name)
        service = RunningService(scratch / "home")
        service.stderr = scratch / "serving.log"
        try:
            models = Models(service, build(scratch / "scenario"), options.models)
            began = time.perf_counter()
            size = models.store(scratch)
            print(
                f"{options.models} models of 200 trees, {size / MEGABYTE:.0f} MiB of graphs, "
                f"stored in {time.perf_counter() - began:.0f} s"
            )
            with process(models, options.models_mb):
                began = time.perf_counter()
                models.deploy()
                print(f"deployed in {time.perf_counter() - began:.0f} s", flush=True)
            verdicts = list(itertools.chain(roomy(models, options, scratch), tight(models, options, scratch)))
        finally:
            service.close()
    print()
    for text, holds in verdicts:
        print(f"{text:<50} {'pass' if holds else 'FAIL'}")
    raise SystemExit(0 if all(holds for _, holds in verdicts) else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_models", description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=int, default=1000, help="deployments, each with a file of its own")
    parser.add_argument("--seconds", type=float, default=15.0, help="how long each traffic is measured")
    parser.add_argument("--connections", type=int, default=16, help="callers at a time")
    parser.add_argument("--exponent", type=float, default=1.0, help="of Zipf's law: how much the first models lead")
    parser.add_argument("--models-mb", type=int, default=1600, help="bound for models, with room for all of them")
    parser.add_argument("--tight-mb", type=int, default=256, help="bound for models, with room for some of them")
    return parser.parse_args()


if __name__ == "__main__":
    main()
