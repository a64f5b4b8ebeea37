"""The short way of predictions: what programs send thousands of times a second is answered before the application.

The application's routes answer the same, and are asked whatever is not plainly such a call: a browser's with its
cookie, one without a valid token, another method. A test holds both to one table of requests.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import NamedTuple

from opentelemetry.trace import Span, SpanKind
from starlette.types import Scope

from fairlead.api.serving.v1.relay_service_pb2 import RelayedAnswer, RelayedCall
from fairlead.kit.errors import Unauthenticated
from fairlead.kit.rpc import deadline
from fairlead.kit.tracing import extract, is_exported, span

from .domain.request_id import request_id_of
from .domain.timeouts import timeout_of
from .middleware.body_limit import too_large
from .middleware.calls import LEFT, count, response_of_failure, tell
from .middleware.content_encoding import inflated
from .parts import Parts
from .relayed import JSON_LENGTH, rows_call, tensors_call
from .routes.parameters import TRACE, existing_project

ROWS_ROUTE = "/api/v1/projects/{project_id}/deployments/{deployment_id}:predict"
INFER_ROUTE = "/v2/models/{model_name}/infer"
INFER_VERSION_ROUTE = "/v2/models/{model_name}/versions/{model_version}/infer"

_ROWS = re.compile(r"/api/v1/projects/([^/]+)/deployments/([^/]+):predict")
_INFER = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?/infer")
_LENGTH_HEADER = JSON_LENGTH.lower().encode()
_TRACE_HEADERS = (TRACE, "tracestate")
_AROUND = frozenset((b"x-request-timeout", b"grpc-timeout", TRACE.encode()))
"""Headers that ask for something around the call."""
_JSON = (b"content-type", b"application/json")
_BINARY = (b"content-type", b"application/octet-stream")

Headers = Mapping[bytes, bytes]


class Answer(NamedTuple):
    """What goes back to the caller."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


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
    """Takes predictions of programs with a token."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.body_limit = parts.settings.gateway_body_limit_bytes
        self.timeout_limit = parts.settings.gateway_timeout_limit_seconds

    def prediction(self, path: str, headers: Headers) -> Prediction | None:
        """Return what a POST to a path asks for; None where the application is to be asked."""
        asked = _asked(path)
        if asked is None:
            return None
        try:
            principal = self._parts.verifier.verify(_text(headers, b"authorization"))
        except Unauthenticated:
            # The application tells who may not call why.
            return None
        return Prediction(asked, path, headers, principal.name, self, self._parts)


class Prediction:
    """One prediction that was asked for, from its head to its answer."""

    def __init__(
        self, asked: _Asked, path: str, headers: Headers, principal: str, door: PredictionDoor, parts: Parts
    ) -> None:
        self._asked, self._path, self._headers, self._principal = asked, path, headers, principal
        self._door, self._parts = door, parts
        self._started = time.perf_counter()
        self._request_id = request_id_of(headers.get(b"x-request-id", b"").decode("latin-1"))

    async def answer(self, body: bytes | None) -> Answer:
        """Return the answer to a body, None for one over the limit; raises nothing."""
        try:
            answer = await self._predicted(body)
        except Exception as error:  # noqa: BLE001  # it is told to the caller
            response = response_of_failure(self._scope(), error)
            answer = Answer(response.status_code, response.raw_headers, bytes(response.body))
        answer.headers.append((b"x-request-id", self._request_id.encode()))
        self._end(answer.status)
        return answer

    def leave(self) -> None:
        """Count a caller who left before the body was whole."""
        self._end(LEFT)

    async def _predicted(self, body: bytes | None) -> Answer:
        headers = self._headers
        if _AROUND.isdisjoint(headers) and not is_exported():
            return await self._relayed(body, traced=False)
        trace = _trace(headers)
        timeout = timeout_of(
            _text(headers, b"x-request-timeout"), _text(headers, b"grpc-timeout"), self._door.timeout_limit
        )
        with ExitStack() as around:
            traced = bool(trace)
            if traced or is_exported():
                traced = around.enter_context(self._span(trace)).is_recording() or traced
            around.enter_context(deadline.within(timeout))
            return await self._relayed(body, traced=traced)

    def _span(self, trace: dict[str, str]) -> AbstractContextManager[Span]:
        # By the route: there may be as many paths as deployments.
        return span(f"POST {self._asked.route}", extract(trace), kind=SpanKind.SERVER, path=self._path)

    async def _relayed(self, body: bytes | None, *, traced: bool) -> Answer:
        call = await self._asked.call(self._parts, self._headers)
        if body is None:
            raise too_large(self._door.body_limit)
        encoding = _text(self._headers, b"content-encoding")
        # The body goes on as it came: serving knows what the model reads.
        call.body = body if encoding is None else await inflated(body, encoding, self._door.body_limit)
        return _answer_of(await self._parts.relay.ask(call, traced=traced))

    def _end(self, status: int) -> None:
        seconds = time.perf_counter() - self._started
        count("POST", self._asked.route, status, seconds)
        # Those that were answered are in the prediction log.
        if status != 200:
            tell(self._scope(), status, seconds, self._request_id, self._principal)

    def _scope(self) -> Scope:
        return {"type": "http", "method": "POST", "path": self._path, "state": {"request_id": self._request_id}}


def _asked(path: str) -> _Asked | None:
    """Return what a POST to a path asks for; None where it is no prediction."""
    if path.endswith(":predict"):
        match = _ROWS.fullmatch(path)
        return match and _Asked(ROWS_ROUTE, match[1], match[2])
    if path.endswith("/infer"):
        match = _INFER.fullmatch(path)
        return match and _Asked(INFER_ROUTE if match[2] is None else INFER_VERSION_ROUTE, match[1], match[2] or "")
    return None


def _answer_of(answer: RelayedAnswer) -> Answer:
    body = answer.body
    length = (b"content-length", b"%d" % len(body))
    if not answer.json_length:
        return Answer(200, [length, _JSON], body)
    return Answer(200, [(_LENGTH_HEADER, b"%d" % answer.json_length), length, _BINARY], body)


def _trace(headers: Headers) -> dict[str, str]:
    """Return the trace that a caller follows, empty for none."""
    if TRACE.encode() not in headers:
        return {}
    return {name: value.decode("latin-1") for name in _TRACE_HEADERS if (value := headers.get(name.encode()))}


def _text(headers: Headers, name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
