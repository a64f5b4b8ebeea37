"""Bodies that come compressed are read as what they were before."""

from __future__ import annotations

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fairlead.kit.http.inflating import ENCODINGS, inflate

from .body_limit import is_upload, too_large

IDENTITY = frozenset({"", "identity"})
AT_ONCE_BYTES = 16 * 1024
"""A larger body is inflated on a thread: other calls would wait."""


class ContentEncodingMiddleware:
    """Inflates bodies; an upload is stored as it comes."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on with its body inflated."""
        encoding = Headers(scope=scope).get("content-encoding", "") if scope["type"] == "http" else ""
        if encoding in IDENTITY or is_upload(scope["path"]):
            await self._app(scope, receive, send)
            return
        whole = await inflated(await Request(scope, receive).body(), encoding, self._limit)
        headers = [pair for pair in scope["headers"] if pair[0] not in (b"content-encoding", b"content-length")]
        messages = iter([{"type": "http.request", "body": whole, "more_body": False}])

        async def told() -> Message:
            return next(messages, None) or await receive()

        length = (b"content-length", str(len(whole)).encode())
        await self._app({**scope, "headers": [*headers, length]}, told, send)


async def inflated(body: bytes, encoding: str, limit: int) -> bytes:
    """Return the body as it was before the encoding that the header Content-Encoding names.

    Raises InvalidArgument for a broken body, BodyTooLarge above the limit, HTTPException 415 for another encoding.
    """
    name = encoding.strip().lower()
    if name in IDENTITY or not body:
        return body
    if name not in ENCODINGS:
        raise HTTPException(
            415,
            f"Content-Encoding '{encoding[:40]}' is not read; send {', '.join(ENCODINGS)} or none",
            headers={"Accept-Encoding": ", ".join(ENCODINGS)},
        )
    if len(body) <= AT_ONCE_BYTES:
        whole = inflate(body, name, limit + 1)
    else:
        whole = await anyio.to_thread.run_sync(inflate, body, name, limit + 1)
    if len(whole) > limit:
        raise too_large(limit)
    return whole
