"""Requests that are sent at a rate, whether they are answered or not, and what became of each."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

import grpc
import numpy as np

from fairlead.api.inference.v2 import open_inference_pb2
from fairlead.api.inference.v2.open_inference_pb2_grpc import GRPCInferenceServiceStub
from fairlead.kit.rpc.status import from_rpc_error


@dataclass(frozen=True)
class Outcome:
    """What one request was answered ("OK", or a status), how long that took, and what it was told of trying again."""

    code: str
    seconds: float
    right: bool = False
    retry_after: float | None = None
    message: str = ""


Ask = Callable[[float], Coroutine[Any, Any, Outcome]]
"""Asks for the price of a house of so many rooms, which is right where it is twice that."""


class Rest:
    """Asks one model by REST on as many connections as it takes, each for one request at a time."""

    def __init__(self, address: str, model: str, authorization: str, **headers: str) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self._head = (
            f"POST /v2/models/{model}/infer HTTP/1.1\r\nhost: {self._host}\r\nauthorization: {authorization}\r\n"
            f"content-type: application/json\r\n{more}"
        )

    async def ask(self, rooms: float) -> Outcome:
        """Ask, on a connection that is idle or a new one."""
        began = time.monotonic()
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
        body = json.dumps(_body(rooms))
        writer.write(f"{self._head}content-length: {len(body)}\r\n\r\n{body}".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        answer = await reader.readexactly(int(headers["content-length"]))
        self._idle.append((reader, writer))
        took = time.monotonic() - began
        code = head[0].split()[1]
        if code == "200":
            return Outcome("OK", took, json.loads(answer)["outputs"][0]["data"] == [rooms * 2.0])
        retry_after = headers.get("retry-after")
        return Outcome(code, took, retry_after=None if retry_after is None else float(retry_after))

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self._idle:
            writer.close()


def by_grpc(channel: grpc.aio.Channel, model: str, authorization: str, timeout: float | None = 30.0) -> Ask:
    """Return what asks a model by gRPC."""
    stub: Any = GRPCInferenceServiceStub(channel)
    metadata = (("authorization", authorization),)

    async def ask(rooms: float) -> Outcome:
        began = time.monotonic()
        try:
            response = await stub.ModelInfer(_message(model, rooms), metadata=metadata, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            took = time.monotonic() - began
            known = from_rpc_error(error)
            return Outcome(error.code().name, took, retry_after=known.retry_after, message=known.message)
        took = time.monotonic() - began
        return Outcome("OK", took, np.frombuffer(response.raw_output_contents[0]).tolist() == [rooms * 2.0])

    return ask


async def as_fast_as_answered(ask: Ask, callers: int, seconds: float, pause: float = 0.0) -> list[Outcome]:
    """Let so many callers ask again once they are answered, for so many seconds."""
    until = time.monotonic() + seconds

    async def call(number: int) -> list[Outcome]:
        outcomes = []
        while time.monotonic() < until:
            outcomes.append(await ask(float(number)))
            await asyncio.sleep(pause)
        return outcomes

    return [outcome for found in await asyncio.gather(*map(call, range(callers))) for outcome in found]


async def at_rate(ask: Ask, rate: float, seconds: float) -> list[Outcome]:
    """Send so many a second, whether they are answered or not; return once each is."""
    began = time.monotonic()
    tasks: list[asyncio.Task[Outcome]] = []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(ask(float(number))))
    return await asyncio.gather(*tasks)


def goodput(outcomes: list[Outcome], seconds: float) -> float:
    """Return right answers a second."""
    return sum(outcome.right for outcome in outcomes) / seconds


def told(outcomes: list[Outcome], seconds: float, peak: float) -> str:
    """Return the figures in words."""
    answered = [outcome.seconds for outcome in outcomes if outcome.code == "OK"]
    good = goodput(outcomes, seconds)
    p99 = quantiles(answered, n=100)[98] if len(answered) > 1 else float("nan")
    codes = ", ".join(
        f"{code} {count / len(outcomes):.1%}" for code, count in Counter(o.code for o in outcomes).items()
    )
    return f"{good:7.1f} a second ({good / peak:.2f} of peak), p99 of answers {p99 * 1e3:7.1f} ms; {codes}"


def _body(rooms: float) -> dict[str, Any]:
    values = (("rooms", rooms), ("age", 1.0))
    return {
        "inputs": [{"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in values],
        "outputs": [{"name": "predict"}],
    }


def _message(model: str, rooms: float) -> open_inference_pb2.ModelInferRequest:
    message = open_inference_pb2.ModelInferRequest(model_name=model)
    for name, value in (("rooms", rooms), ("age", 1.0)):
        message.inputs.add(name=name, datatype="FP64", shape=[1]).contents.fp64_contents.append(value)
    return message
