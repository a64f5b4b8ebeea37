"""Refuses bodies above a limit before an application that has none of its own reads them."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from .http import BodyTooLarge, Receive, Scope, Send, error_response, read_body, send_response


class BodyLimit:
    """ASGI middleware: reads the body, at most body_bytes of it, and hands it on whole."""

    def __init__(self, app: Any, body_bytes: int) -> None:
        self._app = app
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await read_body(dict(scope["headers"]), receive, self._body_bytes)
        except BodyTooLarge as error:
            await send_response(error_response(error), send)
            return
        if body is not None:
            await self._app(scope, _replay(body, receive), send)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> MutableMapping[str, Any]:
        # After the body only the client's leaving is left to hear of.
        return messages.pop() if messages else await receive()

    return next_message
