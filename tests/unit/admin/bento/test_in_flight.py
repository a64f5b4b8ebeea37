"""A Bento tells predictions beyond those that it has under way when to come again."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fairlead.admin.bento.fairlead_model.in_flight import InFlight, in_flight_limit


def test_predictions_beyond_the_limit_are_refused_until_one_ends() -> None:
    asyncio.run(_beyond_the_limit())


async def _beyond_the_limit() -> None:
    may, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def slow(_request: Request) -> Response:
        begun.release()
        await may.wait()
        return PlainTextResponse("predicted")

    async def ready(_request: Request) -> Response:
        return PlainTextResponse("ready")

    routes = [Route("/predict", slow, methods=["POST"]), Route("/readyz", ready)]
    transport = httpx.ASGITransport(InFlight(Starlette(routes=routes), limit=2))
    async with httpx.AsyncClient(transport=transport, base_url="http://bento") as client:
        under_way = [asyncio.create_task(client.post("/predict")) for _ in range(2)]
        for _ in under_way:
            await begun.acquire()

        refused = await client.post("/predict")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert "2 requests are under way already" in refused.json()["error"]
        assert (await client.get("/readyz")).status_code == 200

        may.set()
        assert [answer.status_code for answer in await asyncio.gather(*under_way)] == [200, 200]
        assert (await client.post("/predict")).text == "predicted"


def test_the_limit_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert in_flight_limit() == 256
    monkeypatch.setenv("FAIRLEAD_BENTO_IN_FLIGHT", "8")
    assert in_flight_limit() == 8
