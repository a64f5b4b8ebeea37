"""A bound on the requests under way: those beyond it are told at once when to come again, instead of waiting."""

from __future__ import annotations

import os

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LIMIT = "FAIRLEAD_BENTO_IN_FLIGHT"
USUAL_LIMIT = 256
RETRY_AFTER_SECONDS = 1


def in_flight_limit() -> int:
    """Return how many requests one worker has under way at most. Raises ValueError for a setting that is no number."""
    return int(os.environ.get(LIMIT, USUAL_LIMIT))


class InFlight:
    """ASGI middleware: answers 429 with Retry-After to predictions beyond the limit; BentoML's own has no such header.

    Health, metrics and descriptions are answered always.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if self._under_way >= self._limit:
            error = f"{self._limit} requests are under way already; come again in {RETRY_AFTER_SECONDS} s"
            refusal = JSONResponse({"error": error}, 429, {"Retry-After": str(RETRY_AFTER_SECONDS)})
            await refusal(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1
