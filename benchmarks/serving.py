"""What one row costs at each of serving's doors, beside MLflow's scoring server with the same pipeline in the same run.

A random forest of 100 trees on the 14 columns of Adult Census. Both servers log or answer as they do in use: Fairlead
checks a token and keeps every prediction in its log. Latency is of one caller on one connection; requests a second
are of 8 callers in a process of their own, which shares the machine's cores with the server.
Usage: python -m benchmarks.serving
"""

from __future__ import annotations

import asyncio
import csv
import http.client
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import grpc
import httpx
import numpy as np
import psutil
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from fairlead.api.common.v1 import table_pb2
from fairlead.api.inference.v2 import open_inference_pb2
from fairlead.api.serving.v1 import prediction_service_pb2
from fairlead.api.trainer.v1 import model_pb2
from tests.data import SHARED_DATA
from tests.unit.serving.packages import Package, manifest_of, write_package
from tests.unit.serving.running import BEARER, RunningService, free_base_port

CALLS, SECONDS, CALLERS = 1000, 4.0, 8
VERSION = "projects/p/models/income/versions/1"
Row = dict[str, Any]
Call = Callable[[], Any]


def adult(folder: Path) -> tuple[Package, Row]:
    """A package trained on 4,000 rows of Adult, and one row."""
    with next((SHARED_DATA / "adult").glob("adult*.csv")).open() as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(4000), strict=False)]
    *names, target = rows[0]
    numeric = [name for name in names if all(row[name].strip().lstrip("-").isdigit() for row in rows)]
    table = np.empty((len(rows), len(names)), dtype=object)
    for index, name in enumerate(names):
        table[:, index] = [float(row[name]) if name in numeric else row[name].strip() for row in rows]
    places = [names.index(name) for name in numeric]
    others = [place for place in range(len(names)) if place not in places]
    prepare = ColumnTransformer(
        [("number", "passthrough", places), ("text", OneHotEncoder(handle_unknown="ignore"), others)],
        sparse_threshold=0,
    )
    labels = [row[target].strip() for row in rows]
    model = RandomForestClassifier(100, max_depth=12, random_state=0)
    pipeline = Pipeline([("prepare", prepare), ("model", model)]).fit(table, labels)
    kinds = {True: table_pb2.COLUMN_KIND_NUMBER, False: table_pb2.COLUMN_KIND_TEXT}
    inputs = [(name, kinds[name in numeric], f"c{place}") for place, name in enumerate(names)]
    manifest = manifest_of(
        table_pb2.TASK_TYPE_BINARY, target, inputs, model_pb2.MODEL_RUNTIME_ONNX, [str(c) for c in pipeline.classes_]
    )
    return write_package(folder, manifest, pipeline), dict(zip(names, table[0].tolist(), strict=True))


@contextmanager
def mlflow_server(package: Package, folder: Path) -> Iterator[tuple[str, int]]:
    """MLflow's scoring server with the same pipeline: its address and process id."""
    save = "import pickle, sys, mlflow.sklearn as m; m.save_model(pickle.load(sys.stdin.buffer), sys.argv[1], "
    save += "pyfunc_predict_fn='predict_proba', pip_requirements=[], serialization_format='cloudpickle')"
    model = str(folder / "mlflow")
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", save, model], input=pickle.dumps(package.pipeline), check=True
    )
    port = free_base_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", model, "-p", str(port)]
    # MLflow starts `uvicorn` from the PATH.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with (folder / "mlflow.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--env-manager", "local"], stdout=log, stderr=log, env=environment, start_new_session=True
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", process, folder / "mlflow.log")
        yield f"127.0.0.1:{port}", process.pid
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a process answers at the URL; ends the benchmark where the process ends first."""
    while process.poll() is None:
        try:
            httpx.get(url, timeout=2)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"the peer ended: {log.read_text()[-2000:]}")


def http_call(address: str, path: str, body: bytes) -> Call:
    """A call over one kept connection."""
    connection = http.client.HTTPConnection(address)
    headers = {**BEARER, "content-type": "application/json"}

    def call() -> None:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 200, answer

    return call


def grpc_call(address: str, method: str, body: bytes) -> Call:
    """A call over one channel, with the request's bytes made beforehand."""
    call = grpc.insecure_channel(address).unary_unary(method)
    metadata = [("authorization", BEARER["authorization"])]
    return lambda: call(body, metadata=metadata)


def latency(call: Call) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds."""
    times = []
    for _ in range(CALLS + 50):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return median(times[50:]), quantiles(times[50:], n=100)[98]


async def _http_caller(address: str, request: bytes, until: float) -> int:
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    done = 0
    while time.perf_counter() < until:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b" 200 " in head, head
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        done += 1
    writer.close()
    return done


async def _grpc_caller(channel: grpc.aio.Channel, method: str, body: bytes, until: float) -> int:
    call = channel.unary_unary(method)
    done = 0
    while time.perf_counter() < until:
        await call(body, metadata=(("authorization", BEARER["authorization"]),))
        done += 1
    return done


async def _count(kind: str, address: str, path: str, body: bytes) -> float:
    until = time.perf_counter() + SECONDS
    callers: list[Awaitable[int]]
    if kind == "grpc":
        channel = grpc.aio.insecure_channel(address)
        callers = [_grpc_caller(channel, path, body, until) for _ in range(CALLERS)]
    else:
        head = f"POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: {BEARER['authorization']}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        callers = [_http_caller(address, head.encode() + body, until) for _ in range(CALLERS)]
    return sum(await asyncio.gather(*callers)) / SECONDS


def _count_in_process(queue: Any, *arguments: Any) -> None:
    queue.put(asyncio.run(_count(*arguments)))


def throughput(kind: str, address: str, path: str, body: bytes) -> float:
    """Requests a second of 8 callers in a process of their own."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_count_in_process, args=(queue, kind, address, path, body))
    process.start()
    found = float(queue.get(timeout=60))
    process.join()
    return found


def doors(service: RunningService, row: Row) -> dict[str, tuple[str, str, str, bytes]]:
    """Each door: protocol, address, path and the request's bytes."""
    predict = prediction_service_pb2.PredictRequest(deployment="projects/p/deployments/income")
    infer = open_inference_pb2.ModelInferRequest(model_name="p.income")
    tensors = []
    for name, value in row.items():
        text = isinstance(value, str)
        column = predict.columns.add(name=name)
        (column.texts if text else column.numbers).values.append(value)
        tensor = infer.inputs.add(name=name, datatype="BYTES" if text else "FP64", shape=[1, 1])
        encoded = value.encode() if text else b""
        raw = len(encoded).to_bytes(4, "little") + encoded if text else np.float64(value).tobytes()
        infer.raw_input_contents.append(raw)
        tensors.append({"name": name, "datatype": tensor.datatype, "shape": [1, 1], "data": [value]})
    bento = {"deployment": "projects/p/deployments/income", "rows": [row]}
    settings = service.settings
    rest = "/v2/models/p.income/infer"
    return {
        "Open Inference REST": ("http", settings.rest_address, rest, json.dumps({"inputs": tensors}).encode()),
        "Open Inference gRPC": (
            "grpc",
            settings.grpc_address,
            "/inference.GRPCInferenceService/ModelInfer",
            infer.SerializeToString(),
        ),
        "Predict gRPC": (
            "grpc",
            settings.address,
            "/fairlead.api.serving.v1.PredictionService/Predict",
            predict.SerializeToString(),
        ),
        "BentoML": ("http", settings.bento_address, "/predict", json.dumps(bento).encode()),
    }


def measure(door: tuple[str, str, str, bytes]) -> tuple[float, float, float]:
    """Median and 99th percentile in milliseconds, and requests a second."""
    kind, address, path, body = door
    call = grpc_call(address, path, body) if kind == "grpc" else http_call(address, path, body)
    return (*latency(call), throughput(*door))


def memory_mb(pid: int) -> float:
    """Resident memory of a process and its descendants in MB."""
    root = psutil.Process(pid)
    return sum(process.memory_info().rss for process in (root, *root.children(recursive=True))) / 1e6


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package, row = adult(folder / "package")
        with mlflow_server(package, folder) as (address, pid):
            body = json.dumps({"dataframe_records": [row]}).encode()
            peer = measure(("http", address, "/invocations", body))
            peer_memory = memory_mb(pid)
        service = RunningService(folder / "home")
        try:
            service.add_version(VERSION, package.folder)
            began = time.perf_counter()
            service.start()
            ready = time.perf_counter() - began
            service.deploy("income", VERSION)
            print(f"{'one row, 14 columns':<22} {'p50':>8} {'p99':>8} {'requests/s':>11}   {os.cpu_count()} cores")
            print(f"{'MLflow':<22} {peer[0]:6.2f}ms {peer[1]:6.2f}ms {peer[2]:11.0f}")
            for door, target in doors(service, row).items():
                p50, p99, rate = measure(target)
                ratios = f"p50 {peer[0] / p50:5.1f}x, p99 {peer[1] / p99:5.1f}x, requests/s {rate / peer[2]:5.1f}x"
                print(f"{door:<22} {p50:6.2f}ms {p99:6.2f}ms {rate:11.0f}   {ratios}")
            assert service.process is not None
            memory = memory_mb(service.process.pid)
            print(f"memory {memory:.0f} MB, MLflow's {peer_memory:.0f} MB, ratio {peer_memory / memory:.1f}x")
            print(f"ready after {ready:.1f} s")
        finally:
            service.close()


if __name__ == "__main__":
    main()
