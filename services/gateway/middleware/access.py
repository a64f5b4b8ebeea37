"""Who may call: everything needs a token but what is listed as open."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from fairlead.kit.auth import Principal, TokenVerifier
from fairlead.kit.errors import FairleadError, PermissionDenied, Unauthenticated

from ..domain.same_origin import is_same_origin
from ..domain.sessions import Sessions
from ..problems import problem_of

# Cookies ignore ports, so other servers on this host receive it: it says who signed in, and never holds the token.
COOKIE = "fairlead_session"
# Health must answer before anyone can sign in; /login is where a token is shown.
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/login"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


# What a person sees who opens an address here in a browser.
SIGN_IN_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Fairlead: sign in</title>
<body style="font: 16px/1.5 sans-serif; max-width: 40em; margin: 4em auto">
<h1>Sign in</h1>
<p>Fairlead is running here, and needs to know who you are. Open the sign-in link that <code>fairlead up</code> printed
in its terminal: it brings you to the documentation of the API.</p>
<p>Programs send the header <code>Authorization: Bearer TOKEN</code>.</p>
"""


class AccessMiddleware:
    """Refuses calls without a valid token or session; scope["state"]["principal"] is the caller of the others."""

    def __init__(self, app: ASGIApp, verifier: TokenVerifier, sessions: Sessions) -> None:
        self._app = app
        self._verifier = verifier
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on where it may pass."""
        if scope["type"] == "lifespan" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        try:
            scope["state"]["principal"] = self._principal(scope)
        except FairleadError as error:
            # Starlette sends this as the refusal of the handshake where the call is a WebSocket.
            await _refuse(scope, receive, send, error)
            return
        await self._app(scope, receive, send)

    def _principal(self, scope: Scope) -> Principal:
        headers = Headers(scope=scope)
        authorization = headers.get("authorization")
        if authorization is not None:
            return self._verifier.verify(authorization)
        token = query_token(scope)
        if token:
            return self._verifier.verify(f"Bearer {token}")
        session = _session(headers)
        if not session:
            raise Unauthenticated("no token came with the call; send the header 'Authorization: Bearer TOKEN'")
        principal = self._sessions.principal(session)
        if _may_change(scope) and not is_same_origin(headers.get("origin"), headers.get("host")):
            raise PermissionDenied(
                "signed in by cookie, a call that may change something must come from a page of this server; "
                "programs send the header 'Authorization: Bearer TOKEN' instead"
            )
        return principal


def query_token(scope: Scope) -> str:
    """Return ?access_token= where it is accepted: streams and /docs, which browsers open without headers."""
    path: str = scope["path"]
    streams = scope["type"] == "websocket" or (path.startswith("/api/v1/") and path.endswith("/events"))
    if not streams and path not in ("/docs", "/openapi.json"):
        return ""
    values: Mapping[str, list[str]] = parse_qs(scope["query_string"].decode("latin-1"))
    return values.get("access_token", [""])[0]


def _may_change(scope: Scope) -> bool:
    # A WebSocket is opened by GET, yet browsers let any page open one with the cookie.
    return scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS


def _session(headers: Headers) -> str:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


async def _refuse(scope: Scope, receive: Receive, send: Send, error: FairleadError) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": error.message[:120]})
        return
    answer = problem_of(scope, error)
    if isinstance(error, Unauthenticated) and _shows_pages(scope):
        answer = HTMLResponse(SIGN_IN_PAGE, answer.status_code, {"WWW-Authenticate": "Bearer"})
    await answer(scope, receive, send)


def _shows_pages(scope: Scope) -> bool:
    return (
        scope["type"] == "http" and scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")
    )
