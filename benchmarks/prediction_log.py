"""What the prediction log costs: one serving process, asked with and without it in turn, a row a request over REST.

The model has two deployments: all predictions of one are logged; of the other, which samples, as good as none are.
Each is asked at a fixed rate (2,000 predictions a second), by callers who send whether or not they were answered, and
as fast as wrk's connections are answered. Serving has one core and the load the other; of several rounds the median is
told. Required: at the fixed rate none is answered less for the log, which takes less than a tenth of the core's time,
and everything that was answered is in the event log, hundreds of rows a record.

Usage: python -m benchmarks.prediction_log [--seconds 5] [--rounds 5] [--rate 2000]
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import statistics
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from fairlead.api.events.v1 import events_pb2
from fairlead.api.serving.v1 import deployment_service_pb2
from fairlead.kit.events import topics
from tests.unit.serving.running import BEARER, RunningService

from .serving import requests
from .serving.__main__ import CACHE
from .serving.contenders.fairlead import DEPLOYMENT, MODEL, VERSION, serving
from .serving.figures import Figures
from .serving.load import CONNECTIONS, Load
from .serving.scenario import build
from .serving.server import cpu_seconds, memory_mb, pinned, two_cores

QUIET = "unlogged"
NEARLY_NONE = 1e-12
MOST_COST = 0.10
LEAST_ROWS = 100


@dataclass
class Measured:
    """Figures of several rounds with and without the log."""

    logged: list[Figures] = field(default_factory=list)
    unlogged: list[Figures] = field(default_factory=list)


def main() -> None:
    """Print the figures; exit 1 where what is required fails."""
    options = _options()
    cores = two_cores()
    scenario = build(CACHE / "scenario")
    body = json.dumps(requests.open_inference(scenario, [scenario.row])).encode()
    paced, saturated = Measured(), Measured()
    with tempfile.TemporaryDirectory(prefix="prediction-log-") as name:
        home = Path(name) / "home"
        with serving(scenario, home, cores.server) as service:
            _deploy_unlogged(service)
            assert service.process is not None
            load, pid = Load(options.seconds, cores.load, CACHE), service.process.pid
            for _ in range(options.rounds):
                for model, found in ((QUIET, "unlogged"), (DEPLOYMENT, "logged")):
                    url = service.rest(f"/models/{MODEL.rpartition('.')[0]}.{model}/infer")
                    with pinned(cores.load):
                        getattr(paced, found).append(at_rate(pid, url, body, options.rate, options.seconds))
                    getattr(saturated, found).append(load.http(pid, url, body, BEARER))
            memory = memory_mb(pid)
            records, rows = _records(service)
        kept = sum(file.stat().st_size for file in home.glob("events.db*"))
    report(f"{options.rate:,.0f} a second", paced)
    report("as fast as answered", saturated)
    cost = statistics.median(
        options.rate * (_cpu(one) - _cpu(other)) / 1e6 for one, other in zip(paced.logged, paced.unlogged, strict=True)
    )
    print(
        f"{rows / records:,.0f} rows a record on average; {kept / rows:,.0f} bytes a row on disk; {memory:,.0f} MB RSS"
    )
    good = cost < MOST_COST and rows / records >= LEAST_ROWS
    print(
        f"at {options.rate:,.0f} predictions a second the log takes {100 * cost:.1f} % of the core's time "
        f"(< {100 * MOST_COST:g} %, {LEAST_ROWS} rows a record at least: {'pass' if good else 'FAIL'})"
    )
    raise SystemExit(0 if good else 1)


def report(name: str, measured: Measured) -> None:
    """Print a load's figures."""
    print(f"{name:<24} {'a second':>9} {'CPU us':>8} {'p50 ms':>8} {'p99 ms':>8}")
    for who, every in (("without the log", measured.unlogged), ("with the log", measured.logged)):
        cells = [statistics.median(getattr(each, of) for each in every) for of in ("rate", "cpu", "p50", "p99")]
        print(f"  {who:<22} {cells[0]:9,.0f} {cells[1]:8.1f} {cells[2]:8.2f} {cells[3]:8.2f}")
    rates = [one.rate / other.rate for one, other in zip(measured.logged, measured.unlogged, strict=True)]
    work = [_cpu(other) / _cpu(one) for one, other in zip(measured.logged, measured.unlogged, strict=True)]
    print(
        f"  with beside without: {statistics.median(rates):.2f} of the rate, {statistics.median(work):.2f} of the "
        "predictions that a second of the processor's time makes"
    )


def at_rate(pid: int, url: str, body: bytes, rate: float, seconds: float) -> Figures:
    """Return what requests sent at a fixed rate found; latency counts from when each was to be sent."""
    every = [_Caller(url, body) for _ in range(CONNECTIONS)]
    with selectors.DefaultSelector() as selector:
        for caller in every:
            selector.register(caller.socket, selectors.EVENT_READ, caller)
        _send(selector, every, rate, min(1.0, seconds))
        spent, began = cpu_seconds(pid), time.perf_counter()
        latencies = _send(selector, every, rate, seconds)
        took, spent = time.perf_counter() - began, cpu_seconds(pid) - spent
    for caller in every:
        caller.socket.close()
    times = statistics.quantiles(latencies, n=100)
    count = len(latencies)
    return Figures(count / took, 1e3 * times[49], 1e3 * times[98], spent / count * 1e6)


class _Caller:
    """A connection, and when its requests under way were to be sent."""

    def __init__(self, url: str, body: bytes) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: {BEARER['authorization']}\r\n"
        self.request = f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        self.waiting: deque[float] = deque()
        self._received = b""

    def send(self, due: float) -> None:
        self.socket.sendall(self.request)
        self.waiting.append(due)

    def receive(self) -> list[float]:
        """Return how long each request that is answered now took."""
        data = self.socket.recv(1 << 16)
        if not data:
            raise SystemExit("serving closed a connection")
        self._received += data
        now, answered = time.perf_counter(), []
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            if not head.startswith(b"http/1.1 200"):
                raise SystemExit(f"serving answers {self._received[:500]!r}")
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self._received) < end + 4 + length:
                break
            self._received = self._received[end + 4 + length :]
            answered.append(now - self.waiting.popleft())
        return answered


def _send(selector: selectors.BaseSelector, callers: list[_Caller], rate: float, seconds: float) -> list[float]:
    latencies: list[float] = []
    began, sent, total = time.perf_counter(), 0, int(rate * seconds)
    while len(latencies) < total:
        while sent < total and (due := began + sent / rate) <= time.perf_counter():
            callers[sent % len(callers)].send(due)
            sent += 1
        pause = max(0.0, began + sent / rate - time.perf_counter()) if sent < total else 1.0
        for key, _ in selector.select(pause):
            latencies += key.data.receive()
    return latencies


def _deploy_unlogged(service: RunningService) -> None:
    service.deployments.CreateDeployment(
        deployment_service_pb2.CreateDeploymentRequest(
            parent="projects/p", deployment_id=QUIET, model_version=VERSION, log_sampling_rate=NEARLY_NONE
        )
    )


def _records(service: RunningService) -> tuple[int, int]:
    """Return how many records and rows the event log has of the logged deployment, once they are all there."""
    time.sleep(2.0)
    records = rows = 0
    for event in service.events.replay(topics.PREDICTIONS, key=f"projects/p/deployments/{DEPLOYMENT}"):
        records += 1
        rows += sum(request.row_count for request in event.unpack(events_pb2.PredictionBatch).requests)
    return records, rows


def _cpu(figures: Figures) -> float:
    assert figures.cpu is not None
    return figures.cpu


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prediction_log", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each is measured (default 5)")
    parser.add_argument("--rounds", type=int, default=5, help="how often (default 5)")
    parser.add_argument("--rate", type=float, default=2000.0, help="predictions a second (default 2,000)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
