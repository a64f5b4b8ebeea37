"""The gRPC door on a real socket, with the general server behind it, over made-up models of houses."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Any

from fairlead.api.inference.v2 import open_inference_pb2 as pb
from fairlead.api.inference.v2.open_inference_pb2_grpc import add_GRPCInferenceServiceServicer_to_server
from fairlead.kit.auth import TokenVerifier
from fairlead.kit.rpc.certificates import Certificates
from fairlead.kit.rpc.server import RpcServer
from fairlead.kit.settings import KitSettings
from fairlead.kit.worker_pool import WorkerPool
from services.serving.doors.http2.front import Front
from services.serving.doors.http2.onward import Onward
from services.serving.doors.http2.server import Bounds, Http2Server
from services.serving.doors.open_inference.servicer import OPEN_METHODS, OpenInferenceServicer
from services.serving.doors.rest.server import listen
from tests.unit.serving.behind_doors import SIZED, TELLING, Houses
from tests.unit.serving.doors.http2.caller import TOKEN, Caller
from tests.unit.serving.houses import source

LARGEST = 1024 * 1024


class Door:
    """Listens from the beginning; close() ends it and its callers at once, stop() as a serving process does."""

    def __init__(
        self,
        folder: Path,
        *,
        bounds: Bounds | None = None,
        grace: float = 5.0,
        buffers: int = 0,
        queue_seconds: float = 5.0,
        certificates: Certificates | None = None,
    ) -> None:
        self.houses = Houses()
        self.houses.catalog.load([source(number) for number in (1, SIZED, TELLING)], 30)
        settings = KitSettings(home=folder, service_token=TOKEN)
        self.inner = RpcServer(settings, address="127.0.0.1:0", open_methods=OPEN_METHODS)
        servicer = OpenInferenceServicer(self.houses.inference, "1.0", 30.0)
        descriptor = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"]
        self.inner.add(add_GRPCInferenceServiceServicer_to_server, servicer, descriptor)
        self.inner.start()
        self.threads = WorkerPool(4, name="stream", queue_seconds=queue_seconds)
        self.onward = Onward(lambda: f"127.0.0.1:{self.inner.port}")
        self.front = Front(servicer.predictions, TokenVerifier(TOKEN, ""), self.onward, self.threads, LARGEST)
        listener = listen("127.0.0.1:0")
        if buffers:
            for which in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                listener.setsockopt(socket.SOL_SOCKET, which, buffers)
        self.server = Http2Server(
            self.front, self.onward, listener, bounds=bounds, grace=grace, certificates=certificates
        )
        self.server.start()
        self._callers: list[Caller] = []

    def caller(self, **options: Any) -> Caller:
        """A connection of its own."""
        caller = Caller(self.server.port, **options)
        self._callers.append(caller)
        return caller

    def stop(self) -> None:
        """End the door; what goes on behind it ends after."""
        self.server.stop()
        self.inner.stop(0)

    def close(self) -> None:
        for caller in self._callers:
            caller.close()
        self.houses.slow.may.set()
        self.stop()
        self.threads.shutdown()
        self.houses.close()


def house(rooms: float = 1.0, *, model: str = "p.house", id: str = "", **parameters: str) -> pb.ModelInferRequest:
    """A request for a house one year old, as clients mostly send it."""
    request = pb.ModelInferRequest(model_name=model, id=id)
    for name, number in (("rooms", rooms), ("age", 1.0)):
        request.inputs.add(name=name, datatype="FP64", shape=[1, 1])
        request.raw_input_contents.append(struct.pack("<d", number))
    for name, text in parameters.items():
        request.parameters[name].string_param = text
    return request


def houses(count: int, model: str = "p.house") -> pb.ModelInferRequest:
    """A request for many houses, whose answer has eight bytes for each."""
    request = pb.ModelInferRequest(model_name=model)
    for name in ("rooms", "age"):
        request.inputs.add(name=name, datatype="FP64", shape=[count, 1])
        request.raw_input_contents.append(struct.pack("<d", 1.0) * count)
    return request
