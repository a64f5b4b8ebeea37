"""The Open Inference Protocol over REST."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from opentelemetry.trace import SpanKind

from fairlead.kit.auth import TokenVerifier
from fairlead.kit.errors import FairleadError, ResourceExhausted, unexpected
from fairlead.kit.http.grpc_timeout import seconds_of
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc import deadline
from fairlead.kit.tracing import extract, span
from fairlead.kit.worker_pool import WorkerPool

from ...domain.inference import AskedRow, Inference, TakesLong
from ...domain.requests.limits import LIMITS, RequestLimits
from ...domain.traffic.deployment import name_of_inference
from ..reading import QUICK_BYTES, tensor_reader
from ..together import Asked, answer_together
from .compression import compress, decompress
from .http import Request, Response, error_response
from .infer_request import HEADER_LENGTH, InferRequest, parse_asked_row, parse_infer_request
from .infer_response import infer_response, row_responses
from .model_routes import ModelRoutes

DOOR = "open_inference_rest"
TIMEOUT = b"grpc-timeout"
SPECIAL = frozenset((b"content-encoding", b"traceparent", HEADER_LENGTH, TIMEOUT))
"""Headers that make a request one to be answered by itself."""
OPEN_PATHS = ("/v2/health/live", "/v2/health/ready")

LOG = get_logger("fairlead.serving.rest")


@dataclass(frozen=True)
class RestLimits:
    """Largest body in bytes, how long a request waits for a model that is loading, and how many rows it may have.

    Requests for a thread are refused while the one in turn has waited queue_seconds.
    """

    body_bytes: int
    load_seconds: float
    request: RequestLimits = LIMITS
    queue_seconds: float = 5.0


class OpenInferenceRest:
    """Routes requests; what is quick is answered on the event loop, the rest by a thread."""

    def __init__(
        self, inference: Inference, verifier: TokenVerifier, routes: ModelRoutes, limits: RestLimits, workers: int
    ) -> None:
        self._inference = inference
        self._verifier = verifier
        self._routes = routes
        self._limits = limits
        self._pool = WorkerPool(workers, name="rest", queue_seconds=limits.queue_seconds)

    @property
    def queued(self) -> int:
        """Return how many requests wait for a thread."""
        return self._pool.queued

    @property
    def body_bytes(self) -> int:
        """Return the largest body that is read."""
        return self._limits.body_bytes

    def admit(self, path: str, headers: dict[bytes, bytes]) -> None:
        """Raise Unauthenticated for a call without a valid token, before its body is read."""
        if path in OPEN_PATHS:
            return
        self._verifier.verify(headers.get(b"authorization", b"").decode("latin-1"))

    def answer(self, request: Request) -> Response | Awaitable[Response]:
        """Return the response to one HTTP request, at once where that takes little time."""
        infer = _infer_path(request)
        if infer is None:
            if request.path in OPEN_PATHS:
                # It must be told also where every thread is busy.
                return self._told(self._routes.answer, request)
            return self._in_thread(self._about_models, request)
        model_name, version = infer
        headers = request.headers
        traceparent = headers.get(b"traceparent")
        if len(request.body) <= QUICK_BYTES and traceparent is None and b"content-encoding" not in headers:
            try:
                return self._told(lambda request: self._infer(model_name, version, request, at_once=True), request)
            except TakesLong:
                pass

        def infer_it(request: Request) -> Response:
            return self._infer(model_name, version, request, at_once=False)

        return self._in_thread(infer_it if traceparent is None else _traced(infer_it, traceparent), request)

    def answer_all(self, requests: Sequence[Request]) -> list[Response | Awaitable[Response]]:
        """Return the responses to several requests: rows for the same model are predicted together."""
        answered = answer_together(self._inference, self._asked_rows(requests), DOOR, row_responses)
        # What could not be answered with others is answered alone, which tells what is wrong with it.
        return [
            _compressed(answered[place], request) if place in answered else self.answer(request)
            for place, request in enumerate(requests)
        ]

    def _asked_rows(self, requests: Sequence[Request]) -> Iterator[Asked]:
        for place, request in enumerate(requests):
            infer = _infer_path(request)
            row = None if infer is None or infer[1] else self._asked_row(request)
            if infer is not None and row is not None:
                yield place, infer[0], row

    def _asked_row(self, request: Request) -> AskedRow | None:
        size = len(request.body)
        if size > QUICK_BYTES or size > self._limits.request.elements or not SPECIAL.isdisjoint(request.headers):
            return None
        return parse_asked_row(request.body)

    def _in_thread(self, work: Callable[[Request], Response], request: Request) -> Response | Awaitable[Response]:
        try:
            self._pool.refuse_if_behind()
        except ResourceExhausted as error:
            return error_response(error)
        return asyncio.get_running_loop().run_in_executor(self._pool, self._told, work, request)

    def _told(self, work: Callable[[Request], Response], request: Request) -> Response:
        """Return the response of the work, or one of its error. Raises TakesLong."""
        try:
            encoding = request.headers.get(b"content-encoding", b"").decode("latin-1").lower()
            if encoding:
                request = request._replace(body=decompress(request.body, encoding, self._limits.body_bytes))
            response = _compressed(work(request), request)
        except TakesLong:
            raise
        except FairleadError as error:
            return error_response(error)
        except Exception:
            LOG.exception("request failed unexpectedly", path=request.path)
            return error_response(unexpected())
        return response

    def _about_models(self, request: Request) -> Response:
        header = request.headers.get(TIMEOUT)
        if header is None:
            return self._routes.answer(request)
        with deadline.within(_seconds_left(header, request)):
            return self._routes.answer(request)

    def _infer(self, model_name: str, version: str, request: Request, at_once: bool) -> Response:
        header = request.headers.get(TIMEOUT)
        if header is None:
            return self._read_and_predict(model_name, version, request, at_once)
        with deadline.within(_seconds_left(header, request)):
            return self._read_and_predict(model_name, version, request, at_once)

    def _read_and_predict(self, model_name: str, version: str, request: Request, at_once: bool) -> Response:
        parsed = parse_infer_request(request.body, request.headers.get(HEADER_LENGTH), self._limits.request)
        if parsed.timeout is None:
            return self._predict(model_name, version, parsed, at_once)
        with deadline.within(deadline.remaining(parsed.timeout - _waited(request))):
            return self._predict(model_name, version, parsed, at_once)

    def _predict(self, model_name: str, version: str, parsed: InferRequest, at_once: bool) -> Response:
        answer = self._inference.answer(
            name_of_inference(model_name),
            tensor_reader(lambda: parsed.tensors, parsed.row, parsed.outputs, parsed.options, self._limits.request),
            door=DOOR,
            request_id=parsed.id,
            version=version,
            timeout=deadline.remaining(self._limits.load_seconds),
            options=parsed.options,
            at_once=at_once,
        )
        return infer_response(model_name, parsed, answer)

    def close(self) -> None:
        """End the threads, once no request is under way."""
        self._pool.shutdown()


def _compressed(response: Response, request: Request) -> Response:
    accepted = request.headers.get(b"accept-encoding")
    return response if accepted is None else compress(response, accepted.decode("latin-1"))


def _seconds_left(timeout: bytes, request: Request) -> float:
    return seconds_of(timeout.decode("latin-1")) - _waited(request)


def _waited(request: Request) -> float:
    return time.monotonic() - request.arrived


def _infer_path(request: Request) -> tuple[str, str] | None:
    """Return model and version of v2/models/{m}[/versions/{v}]/infer; None for anything else."""
    if request.method != "POST" or not request.path.endswith("/infer"):
        return None
    parts = request.path.split("/")[1:]
    if len(parts) == 4 and parts[:2] == ["v2", "models"]:
        return parts[2], ""
    if len(parts) == 6 and parts[:2] == ["v2", "models"] and parts[3] == "versions":
        return parts[2], parts[4]
    return None


def _traced(work: Callable[[Request], Response], traceparent: bytes) -> Callable[[Request], Response]:
    def run(request: Request) -> Response:
        caller = extract({"traceparent": traceparent.decode("latin-1")})
        with span("open_inference.infer", caller, kind=SpanKind.SERVER):
            return work(request)

    return run
