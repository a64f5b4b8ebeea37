"""The Open Inference Protocol over REST, as an ASGI application."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fairlead.kit.auth import TokenVerifier
from fairlead.kit.errors import FairleadError, Internal
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc import deadline
from fairlead.kit.telemetry import extract, span

from ...domain.deployment import name_of_inference
from ...domain.inference import Inference
from ...domain.limits import LIMITS, RequestLimits
from ...domain.parameters import EXPLAIN
from ...reading import tensor_reader
from .compression import compress, decompress
from .grpc_timeout import TIMEOUT, seconds_of
from .http import Receive, Request, Response, Scope, Send, error_response, read_body, send_response
from .infer_request import HEADER_LENGTH, InferRequest, parse_infer_request
from .infer_response import infer_response
from .model_routes import ModelRoutes

DOOR = "open_inference_rest"
QUICK_BYTES = 16 * 1024
EXPLAINED = EXPLAIN.encode()
OPEN_PATHS = ("/v2/health/live", "/v2/health/ready")

LOG = get_logger("fairlead.serving.rest")


@dataclass(frozen=True)
class RestLimits:
    """Largest body in bytes, how long a request waits for a model that is loading, and how many rows it may have."""

    body_bytes: int
    load_seconds: float
    request: RequestLimits = LIMITS


class OpenInferenceRest:
    """Routes requests; what is quick is answered on the event loop, the rest by a thread."""

    def __init__(
        self, inference: Inference, verifier: TokenVerifier, routes: ModelRoutes, limits: RestLimits, workers: int
    ) -> None:
        self._inference = inference
        self._verifier = verifier
        self._routes = routes
        self._limits = limits
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="rest")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        try:
            if scope["path"] not in OPEN_PATHS:
                authorization = headers.get(b"authorization")
                self._verifier.verify(None if authorization is None else authorization.decode("latin-1"))
            body = await read_body(headers, receive, self._limits.body_bytes)
            if body is None:
                return
            encoding = headers.get(b"content-encoding", b"").decode("latin-1").lower()
            body = decompress(body, encoding, self._limits.body_bytes) if encoding else body
            response = await self._answer(Request(scope["method"], scope["path"], headers, body))
            if b"accept-encoding" in headers:
                response = compress(response, headers[b"accept-encoding"].decode("latin-1"))
        except FairleadError as error:
            response = error_response(error)
        except Exception:
            LOG.exception("request failed unexpectedly", path=scope["path"])
            response = error_response(Internal("the service failed on this request; its log has the detail"))
        await send_response(response, send)

    async def _answer(self, request: Request) -> Response:
        infer = _infer_path(request)
        if infer is None:
            return await self._in_thread(lambda: self._routes.answer(request))
        model_name, version = infer

        def predict() -> Response:
            return self._infer(model_name, version, request)

        if b"traceparent" in request.headers:
            predict = _traced(predict, request.headers[b"traceparent"])
        model = self._inference.catalog.peek(name_of_inference(model_name))
        if model is not None and model.is_quick and _is_small(request.body):
            return predict()
        return await self._in_thread(predict)

    async def _in_thread(self, work: Callable[[], Response]) -> Response:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _infer(self, model_name: str, version: str, request: Request) -> Response:
        header = request.headers.get(TIMEOUT)
        if header is None:
            return self._read_and_predict(model_name, version, request)
        with deadline.within(seconds_of(header) - _waited(request)):
            return self._read_and_predict(model_name, version, request)

    def _read_and_predict(self, model_name: str, version: str, request: Request) -> Response:
        parsed = parse_infer_request(request.body, request.headers.get(HEADER_LENGTH), self._limits.request)
        if parsed.timeout is None:
            return self._predict(model_name, version, parsed)
        with deadline.within(deadline.remaining(parsed.timeout - _waited(request))):
            return self._predict(model_name, version, parsed)

    def _predict(self, model_name: str, version: str, parsed: InferRequest) -> Response:
        answer = self._inference.answer(
            name_of_inference(model_name),
            tensor_reader(lambda: parsed.tensors, parsed.row, parsed.outputs, parsed.options, self._limits.request),
            door=DOOR,
            request_id=parsed.id,
            version=version,
            timeout=deadline.remaining(self._limits.load_seconds),
            options=parsed.options,
        )
        return infer_response(model_name, parsed, answer)

    def close(self) -> None:
        """End the threads, once no request is under way."""
        self._pool.shutdown()


def _is_small(body: bytes) -> bool:
    """Return whether a quick model answers it quickly too: an explanation takes many times a prediction's time."""
    return len(body) <= QUICK_BYTES and EXPLAINED not in body


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


def _traced(work: Callable[[], Response], traceparent: bytes) -> Callable[[], Response]:
    def run() -> Response:
        with span("open_inference.infer", extract({"traceparent": traceparent.decode("latin-1")})):
            return work()

    return run
