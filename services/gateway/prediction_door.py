"""The short way of predictions: what programs send thousands of times a second is answered before the application.

The application's routes answer the same, and are asked whatever is not plainly such a call: a browser's with its
cookie, one without a valid token, another method. A test holds both to one table of requests.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from fairlead.api.serving.v1.relay_service_pb2 import RelayedCall
from fairlead.kit.auth import Principal
from fairlead.kit.errors import Unauthenticated
from fairlead.kit.rpc import deadline
from fairlead.kit.telemetry import extract, span

from .domain.request_id import request_id_of
from .domain.timeouts import timeout_of
from .middleware.body_limit import too_large
from .middleware.calls import LEFT, count, response_of_failure, tell
from .middleware.content_encoding import inflated
from .parts import Parts
from .relayed import JSON_LENGTH, response_of, rows_call, tensors_call
from .routes.parameters import TRACE, existing_project

ROWS_ROUTE = "/api/v1/projects/{project_id}/deployments/{deployment_id}:predict"
INFER_ROUTE = "/v2/models/{model_name}/infer"
INFER_VERSION_ROUTE = "/v2/models/{model_name}/versions/{model_version}/infer"

_ROWS = re.compile(r"/api/v1/projects/([^/]+)/deployments/([^/]+):predict")
_INFER = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?/infer")
_LENGTH_HEADER = JSON_LENGTH.lower().encode()
_TRACE_HEADERS = (TRACE, "tracestate")

Headers = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a path asks for: rows of a deployment of a project, or tensors of a model's version."""

    route: str
    whose: str
    which: str

    async def call(self, parts: Parts, headers: Headers) -> RelayedCall:
        """Return the call without its body. Raises NotFound, InvalidArgument."""
        if self.route == ROWS_ROUTE:
            return rows_call(await existing_project(self.whose, parts), self.which)
        return tensors_call(self.whose, self.which, _text(headers, _LENGTH_HEADER))


class PredictionDoor:
    """The outermost layer of the gateway."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        """Pass on to app what is no prediction of a program with a token."""
        self._app = app
        self._parts = parts
        self._body_limit = parts.settings.gateway_body_limit_bytes
        self._timeout_limit = parts.settings.gateway_timeout_limit_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a prediction, and pass on anything else."""
        asked = _asked(scope)
        if asked is not None:
            # Of headers that come more than once the first counts, as everywhere in the gateway.
            headers = dict(reversed(scope["headers"]))
            principal = self._caller(headers)
            if principal is not None:
                await self._answer(asked, headers, principal.name, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _caller(self, headers: Headers) -> Principal | None:
        """Return who has a valid token; None for the others, whom the application tells why they may not call."""
        try:
            return self._parts.verifier.verify(_text(headers, b"authorization"))
        except Unauthenticated:
            return None

    async def _answer(
        self, asked: _Asked, headers: Headers, principal: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        started, status = time.perf_counter(), 0
        request_id = request_id_of(headers.get(b"x-request-id", b"").decode("latin-1"))
        try:
            try:
                response = await self._predicted(asked, headers, scope["path"], receive)
            except ClientDisconnect:
                status = LEFT
                return
            except Exception as error:  # noqa: BLE001  # it is told to the caller
                scope["state"] = {**scope.get("state", {}), "request_id": request_id}
                response = response_of_failure(scope, error)
            status = response.status_code
            response.raw_headers.append((b"x-request-id", request_id.encode()))
            await response(scope, receive, send)
        finally:
            seconds = time.perf_counter() - started
            count("POST", asked.route, status, seconds)
            # Those that were answered are in the prediction log.
            if status != 200:
                tell(scope, status, seconds, request_id, principal)

    async def _predicted(self, asked: _Asked, headers: Headers, path: str, receive: Receive) -> Response:
        """Return the response to a call. Raises FairleadError, BodyTooLarge, ClientDisconnect."""
        timeout, grpc_timeout = _text(headers, b"x-request-timeout"), _text(headers, b"grpc-timeout")
        trace = _trace(headers)
        if timeout is None and grpc_timeout is None and not trace:
            return await self._relayed(asked, headers, receive, traced=False)
        with ExitStack() as around:
            if trace:
                around.enter_context(span(f"POST {path}", parent=extract(trace)))
            around.enter_context(deadline.within(timeout_of(timeout, grpc_timeout, self._timeout_limit)))
            return await self._relayed(asked, headers, receive, traced=bool(trace))

    async def _relayed(self, asked: _Asked, headers: Headers, receive: Receive, *, traced: bool) -> Response:
        call = await asked.call(self._parts, headers)
        # The body goes on as it came: serving knows what the model reads.
        call.body = await self._body(headers, receive)
        if b"content-encoding" in headers:
            call.body = await inflated(call.body, _text(headers, b"content-encoding") or "", self._body_limit)
        return response_of(await self._parts.relay.ask(call, traced=traced))

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        limit = self._body_limit
        told = headers.get(b"content-length", b"")
        if told.isdigit() and int(told) > limit:
            raise too_large(limit)
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect()
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _asked(scope: Scope) -> _Asked | None:
    """Return what a call asks for; None where it is no prediction."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    path: str = scope["path"]
    if path.endswith(":predict"):
        match = _ROWS.fullmatch(path)
        return match and _Asked(ROWS_ROUTE, match[1], match[2])
    if path.endswith("/infer"):
        match = _INFER.fullmatch(path)
        return match and _Asked(INFER_ROUTE if match[2] is None else INFER_VERSION_ROUTE, match[1], match[2] or "")
    return None


def _trace(headers: Headers) -> dict[str, str]:
    """Return the trace that a caller follows, empty for none."""
    if TRACE.encode() not in headers:
        return {}
    return {name: value.decode("latin-1") for name in _TRACE_HEADERS if (value := headers.get(name.encode()))}


def _text(headers: Headers, name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
