"""Lets only callers with a token past, to BentoML's API as to every other door."""

from __future__ import annotations

from typing import Any

from fairlead.kit.auth import TokenVerifier
from fairlead.kit.errors import Unauthenticated

from ..rest.http import Receive, Scope, Send, error_response, send_response

OPEN_PATHS = ("/livez", "/readyz", "/healthz")


class TokenGate:
    """ASGI middleware; health endpoints stay open."""

    def __init__(self, app: Any, verifier: TokenVerifier) -> None:
        self._app = app
        self._verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            authorization = next((value for key, value in scope["headers"] if key == b"authorization"), None)
            try:
                self._verifier.verify(None if authorization is None else authorization.decode("latin-1"))
            except Unauthenticated as error:
                await send_response(error_response(error), send)
                return
        await self._app(scope, receive, send)
