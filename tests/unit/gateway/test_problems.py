"""Failures as problem documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.responses import Response

from fairlead.kit.errors import ERRORS, Code, FairleadError, FieldViolation, Internal, InvalidArgument, Unavailable
from fairlead.kit.http.status import STATUS
from services.gateway.problems import problem_of, problem_of_unexpected


def scope(path: str = "/api/v1/projects") -> dict[str, Any]:
    return {"type": "http", "path": path, "state": {"request_id": "r-1"}}


def told_by(answer: Response) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(bytes(answer.body))
    return told


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_has_a_status(error: type[FairleadError]) -> None:
    answer = problem_of(scope(), error("what is wrong"))
    told = told_by(answer)

    assert answer.media_type == "application/problem+json"
    assert answer.status_code == told["status"] == STATUS[error.code]
    assert told["code"] == error.code.value
    assert told["request_id"] == "r-1"
    assert told["instance"] == "/api/v1/projects"


def test_the_table_knows_every_code() -> None:
    assert set(STATUS) == set(Code)


def test_violations_are_listed() -> None:
    error = InvalidArgument("no", violations=[FieldViolation("rows[3].age", "expected a number")])

    told = told_by(problem_of(scope(), error))

    assert told["errors"] == [{"field": "rows[3].age", "description": "expected a number"}]


def test_a_defect_shows_nothing_of_itself() -> None:
    told = told_by(problem_of(scope(), Internal("/srv/secret.py line 3")))

    assert "secret" not in json.dumps(told)
    assert told["detail"] == told_by(problem_of_unexpected(scope()))["detail"]


def test_when_to_try_again_is_told_in_whole_seconds() -> None:
    assert problem_of(scope(), Unavailable("away", retry_after=0.2)).headers["retry-after"] == "1"


def test_the_open_inference_protocol_finds_its_error_member() -> None:
    told = told_by(problem_of(scope("/v2/models/m"), InvalidArgument("no such tensor")))

    assert told["error"] == told["detail"] == "no such tensor"
