"""How long `fairlead up` takes, what it weighs when idle, and what one row costs through each door.

Peers in the same run: `mlflow server` for start-up and idle memory, MLflow's own scoring server for one row.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import httpx
import psutil

from fairlead.up.ports import INFERENCE_REST
from tests.data import SHARED_DATA
from tests.e2e.running import RunningFairlead

CALLS = 500
ROW = {"island": "Biscoe", "bill_length_mm": 45.2, "bill_depth_mm": 15.1, "flipper_length_mm": 215, "sex": "MALE"}
ROW["body_mass_g"] = 5000


def memory_mb(pid: int) -> float:
    """Return the proportional memory of a process and its descendants in MB."""
    root = psutil.Process(pid)
    return sum(p.memory_full_info().pss for p in [root, *root.children(recursive=True)]) / 1e6


def wait_for(url: str) -> None:
    """Wait until something answers."""
    while True:
        try:
            httpx.get(url, timeout=1)
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return


@contextmanager
def server(*command: str, url: str, env: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
    """Start a server, yield (pid, seconds until it answered), stop it."""
    began = time.perf_counter()
    # mlflow looks for its servers on the path.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**(env or os.environ), "PATH": path},
    )
    try:
        wait_for(url)
        yield process.pid, time.perf_counter() - began
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """Return a port nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def latency(call: Callable[[], httpx.Response]) -> tuple[float, float]:
    """Return the median and the 99th percentile of a call in ms, after warming up."""
    times = []
    for number in range(CALLS + 50):
        began = time.perf_counter()
        call().raise_for_status()
        if number >= 50:
            times.append((time.perf_counter() - began) * 1e3)
    return median(times), quantiles(times, n=100)[98]


def train_and_deploy(fairlead: RunningFairlead) -> dict[str, str]:
    """Train a small model and serve it; return the deployment."""
    with fairlead.client() as client:
        client.datasets.upload(SHARED_DATA / "penguins" / "penguins.csv", "penguins")
        workflow = client.workflows.start("penguins", target="species", budget="8s", families=["lightgbm"])
        client.workflows.wait(workflow["name"])
        return client.deployments.create("penguins", "penguins")


def show(what: str, ours: float, theirs: float, unit: str, peer: str) -> None:
    """Print a figure beside the peer's."""
    print(f"{what:<34} {ours:9.2f} {unit:<3} {peer} {theirs:9.2f} {unit:<3} ratio {theirs / ours:6.2f}x")


def compare_latency(fairlead: RunningFairlead, deployment: dict[str, str]) -> None:
    """Print one row's latency by each door beside MLflow's scoring server with the same model."""
    headers = {"Authorization": f"Bearer {fairlead.token}"}
    port = free_port()
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{fairlead.home}/mlflow.db"}
    uri = "models:/default.penguins@champion"
    command = (sys.executable, "-m", "mlflow", "models", "serve", "-m", uri, "-p", str(port), "--env-manager", "local")
    with server(*command, url=f"http://127.0.0.1:{port}/ping", env=environment), httpx.Client() as http:
        body = {"dataframe_records": [ROW]}
        theirs, theirs99 = latency(lambda: http.post(f"http://127.0.0.1:{port}/invocations", json=body))
        gateway = f"{fairlead.url}/api/v1/projects/default/deployments/penguins:predict"
        ours, ours99 = latency(lambda: http.post(gateway, json={"rows": [ROW]}, headers=headers))
        show("one row by the gateway, median", ours, theirs, "ms", "mlflow")
        show("one row by the gateway, p99", ours99, theirs99, "ms", "mlflow")
        url = f"http://127.0.0.1:{fairlead.base_port + INFERENCE_REST}/v2/models/{deployment['inference_name']}"
        described = http.get(url, headers=headers).json()
        tensors = [
            {"name": t["name"], "datatype": t["datatype"], "shape": [1, 1], "data": [ROW[t["name"]]]}
            for t in described["inputs"]
        ]
        content = json.dumps({"inputs": tensors})
        ours, ours99 = latency(lambda: http.post(f"{url}/infer", content=content, headers=headers))
        show("one row by Open Inference, median", ours, theirs, "ms", "mlflow")
        show("one row by Open Inference, p99", ours99, theirs99, "ms", "mlflow")


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        port = free_port()
        store = f"sqlite:///{folder}/peer.db"
        command = (sys.executable, "-m", "mlflow", "server", "--port", str(port), "--backend-store-uri", store)
        with server(*command, url=f"http://127.0.0.1:{port}/health") as (pid, their_seconds):
            time.sleep(5)
            their_memory = memory_mb(pid)
        fairlead = RunningFairlead.start(home)
        try:
            ready = next(line for line in fairlead.said().splitlines() if "is ready" in line)
            seconds = float(ready.split("after ")[1].split(" s")[0])
            show("start until ready", seconds, their_seconds, "s", "mlflow server")
            time.sleep(10)
            show("idle memory of all", memory_mb(fairlead.process.pid), their_memory, "MB", "mlflow server")
            compare_latency(fairlead, train_and_deploy(fairlead))
        finally:
            fairlead.stop()


if __name__ == "__main__":
    main()
