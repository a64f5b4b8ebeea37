"""What happens around every call, whatever the application does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.auth import TokenVerifier, hash_token
from fairlead.kit.errors import NotFound
from fairlead.kit.events import EventLog, open_event_log, topics
from services.gateway.adapters.audit import AuditTrail
from services.gateway.domain.sessions import Sessions
from services.gateway.middleware.access import AccessMiddleware
from services.gateway.middleware.body_limit import BodyLimitMiddleware
from services.gateway.middleware.calls import CallMiddleware

BEARER = {"Authorization": "Bearer token"}


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventLog]:
    log = open_event_log(f"sqlite:///{tmp_path}/events.db", source="gateway")
    yield log
    log.close()


def call(app: ASGIApp, events: EventLog, method: str = "POST", path: str = "/api/v1/projects/p/runs") -> httpx.Response:
    """Return what the application answers with all that is around it."""
    guarded = AccessMiddleware(app, TokenVerifier("service", hash_token("token")), Sessions(["key"]))
    around = CallMiddleware(BodyLimitMiddleware(guarded, limit=100), AuditTrail(events), timeout_limit=60)

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(around)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=BEARER) as http:
            return await http.request(method, path)

    return asyncio.run(run())


def entries(events: EventLog) -> list[AuditEntry]:
    return [event.unpack(AuditEntry) for event in events.replay(topics.AUDIT)]


async def made(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("made", 201)(scope, receive, send)


async def defective(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("the secret of a stack trace")


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotFound("there is no run 5")


async def broken_off(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise RuntimeError("the disk is gone")


async def deserted(scope: Scope, receive: Receive, send: Send) -> None:
    raise ClientDisconnect()


def test_a_defect_is_told_by_a_fixed_sentence_and_the_request_id(events: EventLog) -> None:
    answer = call(defective, events)

    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text


def test_an_expected_failure_of_any_layer_is_a_problem_document(events: EventLog) -> None:
    assert call(not_found, events).json()["detail"] == "there is no run 5"


def test_an_answer_that_breaks_off_is_not_taken_for_whole(events: EventLog) -> None:
    with pytest.raises(ConnectionAbortedError):
        call(broken_off, events)


def test_a_caller_who_left_is_no_defect(events: EventLog) -> None:
    with pytest.raises(AssertionError):
        # httpx finds no answer, for there is nobody to answer to.
        call(deserted, events)


def test_a_change_is_audited_with_who_what_and_how_it_ended(events: EventLog) -> None:
    assert call(made, events).status_code == 201
    assert call(not_found, events).status_code == 404

    assert [(each.principal, each.action, each.status, each.project) for each in entries(events)] == [
        ("admin", "POST /api/v1/projects/p/runs", 201, "projects/p"),
        ("admin", "POST /api/v1/projects/p/runs", 404, "projects/p"),
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/projects"),
        ("POST", "/api/v1/projects/p/deployments/d:predict"),
        ("POST", "/v2/models/p.d/infer"),
    ],
)
def test_reading_and_predicting_are_not_audited(events: EventLog, method: str, path: str) -> None:
    call(made, events, method, path)

    assert entries(events) == []


def test_a_change_that_can_not_be_audited_is_answered_as_it_went(events: EventLog) -> None:
    events.close()

    assert call(made, events).status_code == 201
