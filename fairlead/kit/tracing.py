"""Traces across processes: W3C trace context through OpenTelemetry, exported by OTLP where an endpoint is set."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import Link, Span, SpanContext, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

EXPORT_SECONDS = 5
"""How long a batch of spans is tried, also at the end of a process."""

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("fairlead")
_exported = False


def configure_tracing(service: str, otlp_endpoint: str = "", ratio: float = 1.0) -> None:
    """Give this process's spans real trace ids, and export them to http(s)://host:port over gRPC unless that is empty.

    A call follows its caller's trace, and is exported where that is sampled; of calls without one, the ratio is. The
    first configuration of a process stays.
    """
    global _exported
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    provider = TracerProvider(sampler=ParentBasedTraceIdRatio(ratio), resource=_resource(service))
    if otlp_endpoint:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        # It warns at each retry, each second while the receiver is away; what was given up is an error.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)
        # It gathers spans on a thread of its own and drops them where the receiver is away: no call waits for it.
        provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(endpoint=otlp_endpoint, timeout=EXPORT_SECONDS))
        )
        _exported = True
    trace.set_tracer_provider(provider)


def is_exported() -> bool:
    """Return whether spans leave this process: where not, what would only be begun for them need not be."""
    return _exported


def inject(carrier: dict[str, str]) -> None:
    """Write the current trace into a carrier, as the key traceparent."""
    _PROPAGATOR.inject(carrier)


def extract(carrier: Mapping[str, str]) -> Context:
    """Return the trace context that a carrier holds, or an empty one."""
    return _PROPAGATOR.extract(carrier)


def sampled() -> SpanContext | None:
    """Return the current span's context where the span is exported; None otherwise."""
    context = trace.get_current_span().get_span_context()
    return context if context.trace_flags.sampled else None


def within(context: SpanContext) -> Context:
    """Return the context whose spans are children of a span that was begun elsewhere."""
    return trace.set_span_in_context(trace.NonRecordingSpan(context), Context())


@contextmanager
def span(
    name: str,
    parent: Context | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[SpanContext] = (),
    **attributes: str | int | float | bool,
) -> Iterator[Span]:
    """Run a block inside a span. An exception is recorded on it and raised on."""
    with _TRACER.start_as_current_span(
        name, context=parent, kind=kind, links=[Link(context) for context in links], attributes=attributes
    ) as current:
        yield current


def _resource(service: str) -> Resource:
    return Resource.create(
        {
            SERVICE_NAME: f"fairlead-{service}",
            SERVICE_VERSION: metadata.version("fairlead"),
            SERVICE_INSTANCE_ID: f"{socket.gethostname()}-{os.getpid()}",
        }
    )
