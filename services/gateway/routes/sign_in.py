"""Signing in with a browser, and the documentation it shows."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from fairlead.kit.auth import Principal

from ..docs_page import page_of
from ..documentation import failures, openapi_of
from ..domain.sessions import SESSION_SECONDS
from ..middleware.access import COOKIE, query_token
from .parameters import Gateway

router = APIRouter(tags=["system"])

DOCS = "/docs"


@router.get("/login", status_code=303, response_class=RedirectResponse, responses=failures(401))
async def sign_in(
    request: Request, gateway: Gateway, token: Annotated[str, Query(description="The token that `fairlead up` stored.")]
) -> Response:
    """Sign a browser in: sets a cookie that only this server's pages can use, and goes to /docs."""
    return _signed_in(request, gateway, gateway.verifier.verify(f"Bearer {token}"))


@router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
async def show_docs(request: Request, gateway: Gateway) -> Response:
    """Show the endpoints to a person; a token in the address is exchanged for the cookie."""
    if query_token(request.scope):
        return _signed_in(request, gateway, request.state.principal)
    return HTMLResponse(page_of(openapi_of(request.app)))


@router.get("/openapi.json", include_in_schema=False)
async def get_openapi(request: Request) -> dict[str, Any]:
    """Return the OpenAPI document."""
    return openapi_of(request.app)


def _signed_in(request: Request, gateway: Gateway, principal: Principal) -> Response:
    response = RedirectResponse(DOCS, status_code=303)
    secure = request.url.scheme == "https"
    response.set_cookie(
        COOKIE,
        gateway.sessions.open(principal),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=secure,
        path="/",
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
