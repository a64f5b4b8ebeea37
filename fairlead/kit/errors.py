"""The one error tree of Fairlead, neutral of transport.

    FairleadError
    ├── InvalidArgument      the caller's input is wrong; violations name the fields
    ├── NotFound             the named resource is not there
    ├── AlreadyExists        the name is taken
    ├── FailedPrecondition   the resource is not in a state that allows this
    ├── Aborted              someone else changed it first (stale etag)
    ├── PermissionDenied     known caller, not allowed
    ├── Unauthenticated      no valid token
    ├── ResourceExhausted    a quota or size limit
    ├── Unavailable          a part is away; trying again may help
    ├── DeadlineExceeded     the caller's time ran out
    ├── Cancelled            the caller gave up
    ├── Unimplemented        not offered
    └── Internal             a defect; the log of the service has the detail

Messages reach callers: one sentence that says what is wrong, where, and what to do, never a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class Code(Enum):
    """The canonical codes; a value is the gRPC name."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ABORTED = "ABORTED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    UNAVAILABLE = "UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    CANCELLED = "CANCELLED"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True)
class FieldViolation:
    """One field of the request that is wrong, and why."""

    field: str
    description: str


class FairleadError(Exception):
    """What every expected failure is; see the module for the tree."""

    code: ClassVar[Code] = Code.INTERNAL

    def __init__(
        self,
        message: str,
        *,
        violations: Sequence[FieldViolation] = (),
        resource: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.violations = tuple(violations)
        self.resource = resource
        self.retry_after = retry_after


class InvalidArgument(FairleadError):
    """The caller's input is wrong."""

    code = Code.INVALID_ARGUMENT


class NotFound(FairleadError):
    """The named resource is not there."""

    code = Code.NOT_FOUND


class AlreadyExists(FairleadError):
    """The name is taken."""

    code = Code.ALREADY_EXISTS


class FailedPrecondition(FairleadError):
    """The resource is not in a state that allows this."""

    code = Code.FAILED_PRECONDITION


class Aborted(FairleadError):
    """Someone else changed the resource first."""

    code = Code.ABORTED


class PermissionDenied(FairleadError):
    """The caller is known and not allowed."""

    code = Code.PERMISSION_DENIED


class Unauthenticated(FairleadError):
    """No valid token came with the call."""

    code = Code.UNAUTHENTICATED


class ResourceExhausted(FairleadError):
    """A quota or a size limit is reached."""

    code = Code.RESOURCE_EXHAUSTED


class Unavailable(FairleadError):
    """A part is away; trying again may help."""

    code = Code.UNAVAILABLE


class DeadlineExceeded(FairleadError):
    """The caller's time ran out."""

    code = Code.DEADLINE_EXCEEDED


class Cancelled(FairleadError):
    """The caller gave up."""

    code = Code.CANCELLED


class Unimplemented(FairleadError):
    """Not offered."""

    code = Code.UNIMPLEMENTED


class Internal(FairleadError):
    """A defect; the log of the service has the detail."""

    code = Code.INTERNAL


ERRORS: tuple[type[FairleadError], ...] = (
    InvalidArgument,
    NotFound,
    AlreadyExists,
    FailedPrecondition,
    Aborted,
    PermissionDenied,
    Unauthenticated,
    ResourceExhausted,
    Unavailable,
    DeadlineExceeded,
    Cancelled,
    Unimplemented,
    Internal,
)
_BY_CODE = {error.code: error for error in ERRORS}


def unexpected() -> Internal:
    """Return what callers are told of a failure that nobody foresaw: where to look, and nothing of what it was."""
    return Internal("the service failed on this request; its log has the detail")


def error_for(
    code: Code | str,
    message: str,
    *,
    violations: Sequence[FieldViolation] = (),
    resource: str = "",
    retry_after: float | None = None,
) -> FairleadError:
    """Return the error of a code; an unknown code name gives Internal."""
    known = code if isinstance(code, Code) else Code.__members__.get(code, Code.INTERNAL)
    return _BY_CODE[known](message, violations=violations, resource=resource, retry_after=retry_after)
