"""What a call can fail with.

FairleadClientError
├── NotConnected    no address or no token could be found
├── WrongProject    a full name of another project than the client's
├── InvalidRows     rows with a value that JSON can't say
├── ApiError        the API refused or failed a call; code tells which way
└── TaskFailed      the call began, its task ended as failed or cancelled
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx


class FairleadClientError(Exception):
    """Base of what the client raises; the connection's own failures are httpx.HTTPError."""


class NotConnected(FairleadClientError):
    """No address or no token could be found; the message says how to give one."""


class WrongProject(FairleadClientError):
    """A full resource name names another project than the client works in."""


class InvalidRows(FairleadClientError, ValueError):
    """Rows to predict, or truths, have a value that JSON can't say; the message names row and column."""


class ApiError(FairleadClientError):
    """An error the API answered with (RFC 9457 problem+json)."""

    def __init__(
        self, status: int, code: str, detail: str, request_id: str = "", errors: Sequence[dict[str, str]] = ()
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.errors = tuple(errors)


class TaskFailed(FairleadClientError):
    """A task that was waited for failed or was cancelled."""

    def __init__(self, task: dict[str, Any]) -> None:
        super().__init__(task["error"] or f"{task['kind']} was {task['state']}")
        self.task = task


def not_json(answer: httpx.Response) -> ApiError:
    """Return the error of a success that is none of the API's: something else answers at that address."""
    kind = answer.headers.get("content-type", "nothing")
    detail = f"{answer.request.url} answered {answer.status_code} with {kind}, not JSON; is that Fairlead's address?"
    return ApiError(answer.status_code, "UNKNOWN", detail)


def error_of(answer: httpx.Response) -> ApiError:
    """Return the error that an answer carries, whoever gave it."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    return ApiError(
        answer.status_code,
        str(problem.get("code") or "UNKNOWN"),
        str(problem.get("detail") or f"{answer.request.url} answered {answer.status_code} {answer.reason_phrase}"),
        str(problem.get("request_id") or ""),
        problem.get("errors") or (),
    )
