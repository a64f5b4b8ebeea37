"""Failures as RFC 9457 problem documents; callers never see more of an unexpected one than where to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from fairlead.kit.errors import Code, FairleadError, FieldViolation
from fairlead.kit.http.status import STATUS

MEDIA_TYPE = "application/problem+json"
INFERENCE_PREFIX = "/v2"
UNEXPECTED = "the gateway failed on this call; its log has the detail under the request id"

# For what HTTP itself refuses; the canonical code that comes nearest.
CODE_OF_STATUS: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    413: "RESOURCE_EXHAUSTED",
    415: "INVALID_ARGUMENT",
    501: "UNIMPLEMENTED",
}
# Where no canonical code says what HTTP says.
TITLE_OF_STATUS: Mapping[int, str] = {
    405: "Method not allowed",
    413: "Content too large",
    415: "Unsupported media type",
}


class BodyTooLarge(HTTPException):
    """A body over the limit; the detail names the limit and what to do."""

    def __init__(self, detail: str) -> None:
        # What is left of the body would be taken for the next call.
        super().__init__(413, detail, headers={"Connection": "close"})


def problem_of(scope: Scope, error: FairleadError) -> Response:
    """Return the answer that tells of an expected failure."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    if error.code is Code.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    detail = UNEXPECTED if error.code is Code.INTERNAL else error.message
    return problem(scope, STATUS[error.code], error.code.value, detail, error.violations, headers)


def problem_of_http(scope: Scope, error: HTTPException) -> Response:
    """Return the answer that tells of what HTTP itself refuses."""
    path, status = scope["path"], error.status_code
    detail = str(error.detail)
    if status == 404:
        detail = f"there is nothing at {path}; /docs lists what is there"
    elif status == 405:
        detail = f"{scope['method']} is not offered at {path}; /docs lists what is"
    return problem(scope, status, CODE_OF_STATUS.get(status, "INTERNAL"), detail, headers=error.headers)


def problem_of_unexpected(scope: Scope) -> Response:
    """Return the answer that tells of a defect: a fixed sentence and the request id."""
    return problem(scope, 500, "INTERNAL", UNEXPECTED)


def problem(
    scope: Scope,
    status: int,
    code: str,
    detail: str,
    violations: Sequence[FieldViolation] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem document; below /v2 it has the protocol's "error" member too."""
    title = _title(status, code)
    document: dict[str, Any] = {
        "type": f"urn:fairlead:problem:{code.lower().replace('_', '-')}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": scope["path"],
        "request_id": scope["state"]["request_id"],
        "code": code,
        "errors": [{"field": each.field, "description": each.description} for each in violations],
    }
    if scope["path"].startswith(INFERENCE_PREFIX):
        document["error"] = detail
    return Response(to_json(document), status, headers, MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Answer failures inside the app with problem documents."""
    app.add_exception_handler(FairleadError, _fairlead_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


async def _fairlead_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, FairleadError)
    return problem_of(request.scope, error)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    violations = [FieldViolation(_field(each["loc"]), str(each["msg"])) for each in error.errors()]
    detail = "; ".join(f"{each.field}: {each.description}" for each in violations[:5]) or "the request is not valid"
    return problem(request.scope, 400, "INVALID_ARGUMENT", detail, violations)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem_of_http(request.scope, error)


def _title(status: int, code: str) -> str:
    return TITLE_OF_STATUS.get(status, code.replace("_", " ").capitalize())


def _field(location: Sequence[str | int]) -> str:
    """Return where a value is: ("body", "rows", 3, "age") is rows[3].age."""
    parts = location[1:] if len(location) > 1 and location[0] in ("body", "query", "path", "header") else location
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.lstrip(".")
