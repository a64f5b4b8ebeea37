"""What gRPC can do at best from Python: both of its servers with the graph alone, and a bare stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc

from fairlead.api.inference.v2.open_inference_pb2_grpc import GRPCInferenceServiceStub
from tests.data import ROOT

from .. import requests
from ..figures import GRPC_AIO, GRPC_STREAM, GRPC_SYNC, Figures
from ..server import free_port, listens
from ..setting import Measured, Setting


def synchronous(setting: Setting) -> Measured:
    """The synchronous server."""
    yield from _floor(setting, "sync", GRPC_SYNC, setting.load.grpc)


def aio(setting: Setting) -> Measured:
    """grpc.aio, unary calls."""
    yield from _floor(setting, "aio", GRPC_AIO, setting.load.grpc)


def stream(setting: Setting) -> Measured:
    """grpc.aio, messages of one stream."""
    yield from _floor(setting, "aio", GRPC_STREAM, setting.load.stream)


def _floor(setting: Setting, kind: str, name: str, load: Callable[[int, str, bytes], Figures]) -> Measured:
    with _running(setting, kind, name) as (address, pid, body):
        yield name, load(pid, address, body)


@contextmanager
def _running(setting: Setting, kind: str, name: str) -> Iterator[tuple[str, int, bytes]]:
    port, scenario = free_port(), setting.scenario
    command = [setting.python("floor"), setting.program("grpc_onnx.py"), str(port), str(scenario.graph)]
    with setting.server([*command, str(scenario.sample), kind], listens(port), PYTHONPATH=str(ROOT)) as pid:
        message = requests.open_inference_message(scenario, [scenario.row], "income")
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            answer = GRPCInferenceServiceStub(channel).ModelInfer(message, timeout=60)
        scenario.check(requests.probability_of_message(answer), name)
        yield f"127.0.0.1:{port}", pid, message.SerializeToString()
