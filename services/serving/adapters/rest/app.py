"""The Open Inference Protocol over REST, as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fairlead.kit.auth import TokenVerifier
from fairlead.kit.errors import FairleadError, Internal
from fairlead.kit.logging import get_logger
from fairlead.kit.telemetry import extract, span

from ...domain.columns import Columns
from ...domain.deployment import name_of_inference
from ...domain.inference import Inference
from ...domain.outputs import check_outputs
from ...domain.schema import Schema
from ...domain.tensors import columns_of_tensors
from .compression import compress, decompress
from .http import Receive, Request, Response, Scope, Send, error_response, read_body, send_response
from .infer_request import HEADER_LENGTH, InferRequest, parse_infer_request
from .infer_response import infer_response
from .model_routes import ModelRoutes

DOOR = "open_inference_rest"
QUICK_BYTES = 16 * 1024
OPEN_PATHS = ("/v2/health/live", "/v2/health/ready")

LOG = get_logger("fairlead.serving.rest")


@dataclass(frozen=True)
class RestLimits:
    """Largest body in bytes, and how long a request waits for a model that is loading."""

    body_bytes: int
    load_seconds: float


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
        if model is not None and len(request.body) <= QUICK_BYTES and model.is_quick:
            return predict()
        return await self._in_thread(predict)

    async def _in_thread(self, work: Callable[[], Response]) -> Response:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _infer(self, model_name: str, version: str, request: Request) -> Response:
        parsed = parse_infer_request(request.body, request.headers.get(HEADER_LENGTH))
        answer = self._inference.answer(
            name_of_inference(model_name),
            _reader(parsed),
            door=DOOR,
            request_id=parsed.id,
            version=version,
            timeout=self._limits.load_seconds,
        )
        return infer_response(model_name, parsed, answer)

    def close(self) -> None:
        """End the threads, once no request is under way."""
        self._pool.shutdown()


def _reader(request: InferRequest) -> Callable[[Schema], tuple[Columns, int]]:
    def read(schema: Schema) -> tuple[Columns, int]:
        check_outputs(schema, [output.name for output in request.outputs])
        return columns_of_tensors(schema, request.tensors)

    return read


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
