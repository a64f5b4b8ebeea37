"""A limit for bodies that are held whole in memory, which all but uploads are."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..problems import BodyTooLarge

# Uploads are streamed and have a limit of their own.
_UPLOAD = re.compile(r"/api/v1/projects/[^/]+/(datasets|files)")


class BodyLimitMiddleware:
    """Refuses larger bodies, at once where the length is told."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on with its body counted."""
        if scope["type"] != "http" or is_upload(scope["path"]):
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "")
        left = self._limit

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0 or (told.isdigit() and int(told) > self._limit):
                raise too_large(self._limit)
            return message

        await self._app(scope, counted, send)


def is_upload(path: str) -> bool:
    """Return whether a path takes files."""
    return _UPLOAD.fullmatch(path) is not None


def too_large(limit: int) -> BodyTooLarge:
    """Return the refusal of a body over the limit."""
    return BodyTooLarge(
        f"the body is over the limit of {limit} bytes; send less at once (rows: use :batchPredict), "
        "or raise FAIRLEAD_GATEWAY_BODY_LIMIT_BYTES"
    )
