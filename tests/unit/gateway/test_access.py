"""What who has not signed in is told."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from fairlead.kit.auth import TokenVerifier, hash_token
from services.gateway.domain.sessions import Sessions
from services.gateway.middleware.access import AccessMiddleware

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def unreached(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("the call must not get here")


async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
    scope["state"] = {"request_id": "r-1"}
    await AccessMiddleware(unreached, TokenVerifier("service", hash_token("token")), Sessions(["key"]))(
        scope, receive, send
    )


def asked(method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(with_state)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            return await http.request(method, path, headers=headers)

    return asyncio.run(run())


@pytest.mark.parametrize("path", ["/", "/docs", "/docs?access_token=wrong"])
def test_a_person_with_a_browser_is_told_of_the_sign_in_link(path: str) -> None:
    answer = asked("GET", path, BROWSER)

    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert "sign-in link that <code>fairlead up</code> printed" in answer.text
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "headers"), [("GET", {}), ("GET", {"Accept": "*/*"}), ("POST", BROWSER)])
def test_a_program_is_told_in_json(method: str, headers: dict[str, str]) -> None:
    answer = asked(method, "/docs", headers)

    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.json()["code"] == "UNAUTHENTICATED"
