"""A receiver of traces, as a collector is: OTLP over gRPC on a free port, which keeps the spans it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from tests.waiting import until


@dataclass(frozen=True)
class Received:
    """A span as it came, ids in hexadecimal."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    """The traces of the spans it is linked to."""


class Receiver(TraceServiceServicer):
    """Listens from the start."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._spans: list[Received] = []
        self._server = grpc.server(ThreadPoolExecutor(4))
        add_TraceServiceServicer_to_server(self, self._server)
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Export(self, request: ExportTraceServiceRequest, _context: grpc.ServicerContext) -> ExportTraceServiceResponse:
        """Keep the spans of a request."""
        found = [
            Received(
                _attributes(resource.resource.attributes)["service.name"],
                span.name,
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                tuple(link.trace_id.hex() for link in span.links),
            )
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self._spans += found
        return ExportTraceServiceResponse()

    def spans(self) -> list[Received]:
        """Return what has come so far."""
        with self._lock:
            return list(self._spans)

    def trace(self, trace: str, *names: str) -> dict[str, Received]:
        """Return the spans of a trace by name, once spans of all these names have come."""

        def found() -> dict[str, Received]:
            return {span.name: span for span in self.spans() if span.trace == trace}

        until(lambda: set(names) <= set(found()), f"spans of {names} in trace {trace}")
        return found()

    def close(self) -> None:
        """Stop listening."""
        self._server.stop(0).wait()


def _attributes(attributes: object) -> Mapping[str, str]:
    return {each.key: each.value.string_value for each in attributes}  # type: ignore[attr-defined]
