"""Requests and responses of the REST door, without a framework: its hot path is a few microseconds long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

from pydantic_core import to_json

from fairlead.kit.errors import Code, FairleadError, ResourceExhausted
from fairlead.kit.http.status import STATUS

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = b"application/json"
BINARY = b"application/octet-stream"
TOO_LARGE = 413


class BodyTooLarge(ResourceExhausted):
    """The body is above the limit; over HTTP that is 413, not 429, since trying again later would not help."""


class Request(NamedTuple):
    """One request, its body whole, and when it was, in seconds of time.monotonic()."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    body: bytes
    arrived: float


class Response(NamedTuple):
    """One response; headers beside content type and length."""

    body: bytes = b""
    status: int = 200
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def json_response(value: object, status: int = 200) -> Response:
    """Return a value as JSON; numbers that JSON can't say (NaN, infinities) become null."""
    return Response(to_json(value, inf_nan_mode="null"), status)


def error_response(error: FairleadError) -> Response:
    """Return an error as the protocol shapes it: {"error": message}."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if error.code is Code.UNAUTHENTICATED:
        headers = ((b"www-authenticate", b"Bearer"),)
    elif error.retry_after is not None:
        headers = ((b"retry-after", str(max(1, round(error.retry_after))).encode()),)
    body = to_json({"error": error.message})
    status = TOO_LARGE if isinstance(error, BodyTooLarge) else STATUS[error.code]
    return Response(body, status, headers=headers)


async def read_body(headers: dict[bytes, bytes], receive: Receive, limit: int) -> bytes | None:
    """Return the whole body; None where the client left. Raises BodyTooLarge above limit bytes."""
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise too_large(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def too_large(limit: int) -> BodyTooLarge:
    """Return the error of a body above the limit."""
    return BodyTooLarge(
        f"the request is larger than {limit // (1024 * 1024)} MB; send fewer rows at a time, or predict in batch"
    )


async def send_response(response: Response, send: Send) -> None:
    """Send a response."""
    headers = [
        (b"content-type", response.content_type),
        (b"content-length", str(len(response.body)).encode()),
        *response.headers,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
