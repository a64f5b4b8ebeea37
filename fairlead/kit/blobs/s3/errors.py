"""What S3 refuses or can't do, as errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fairlead.kit.errors import (
    Aborted,
    FailedPrecondition,
    FairleadError,
    Internal,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unavailable,
    Unimplemented,
)

from .options import Place

RETRY_SECONDS = 5.0
ABSENT = frozenset({"NoSuchKey", "404", "NotFound", "NoSuchUpload"})
# XAdminUserNotFound is versitygw's.
UNKNOWN_CALLER = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "XAdminUserNotFound"}
)
FORBIDDEN = frozenset({"AccessDenied", "403", "Forbidden", "AllAccessDisabled"})
FULL = frozenset({"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"})
DAMAGED = frozenset({"BadDigest", "XAmzContentSHA256Mismatch", "InvalidDigest", "XAmzContentChecksumMismatch"})
# Of a call that is only to be done while an object is as it was seen.
CHANGED = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
ELSEWHERE = frozenset(
    {"PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)
BUSY = frozenset({"SlowDown", "RequestTimeout", "Throttling", "RequestTimeTooSkewed"})
SERVER_ERRORS = 500


@contextmanager
def translated(place: Place, key: str = "") -> Iterator[None]:
    """Turn boto3's errors of a block into FairleadErrors about `key` at `place`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _of_answer(error.response, place, key) from error
    except BotoCoreError as error:
        raise _without_answer(error, place) from error


def code_of(error: Any) -> str:
    """Return S3's code of a ClientError, such as NoSuchKey."""
    return str(error.response.get("Error", {}).get("Code", ""))


def was_repeated(error: FairleadError) -> bool:
    """Return whether S3 refused a repetition of a call, whose first answer may have been lost after it was done."""
    from botocore.exceptions import ClientError

    cause = error.__cause__
    if not isinstance(cause, ClientError):
        return False
    return int(cause.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)) > 0


def _of_answer(response: Any, place: Place, key: str) -> FairleadError:
    told = response.get("Error", {})
    code, message = str(told.get("Code", "")), str(told.get("Message", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "NoSuchBucket":
        return FailedPrecondition(
            f"The bucket '{place.bucket}' is not there; make it, or correct FAIRLEAD_BLOBS_URL or "
            "FAIRLEAD_S3_ENDPOINT_URL."
        )
    if code in ELSEWHERE:
        return FailedPrecondition(f"The bucket of {place} is in another region ({message}); set FAIRLEAD_S3_REGION.")
    if code.startswith("KMS."):
        return FailedPrecondition(
            f"S3 can't use the key for {place} ({code}: {message}); correct FAIRLEAD_S3_KMS_KEY_ID or the key's policy."
        )
    if code in ABSENT:
        return NotFound(f"The blob store has nothing under '{key}'.", resource=key)
    if code in UNKNOWN_CALLER:
        return _bad_credentials(f"S3 does not accept the keys for {place} ({code})")
    if code in FORBIDDEN:
        return PermissionDenied(
            f"S3 refuses this at {place} ({message or code}); its user needs to list, get, put and delete objects "
            "there."
        )
    if code in DAMAGED:
        return Unavailable(f"What reached S3 at {place} was not what was sent ({code}); send it again.")
    if code in FULL:
        return ResourceExhausted(f"S3 has no room left for {place} ({code}); free some space.")
    if code in CHANGED:
        return Aborted(f"Someone else changed '{key}' in the blob store; try again.", resource=key)
    if code == "NotImplemented":
        return Unimplemented(f"The S3 server of {place} does not offer this: {message}")
    if status >= SERVER_ERRORS or code in BUSY:
        return Unavailable(f"S3 can't serve {place} now ({code}: {message}); try again.", retry_after=RETRY_SECONDS)
    return Internal(f"S3 answered {status} at {place}: {code}: {message}")


def _without_answer(error: Exception, place: Place) -> FairleadError:
    from botocore import exceptions

    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return _bad_credentials(f"There are no keys for {place}")
    if isinstance(error, exceptions.ProfileNotFound | exceptions.ConfigParseError):
        return _bad_credentials(f"The keys for {place} can't be read ({error})")
    if isinstance(error, exceptions.ParamValidationError):
        return Internal(f"A call of S3 at {place} was malformed: {error}")
    # All others are of the network: no address, no connection, broken off, timed out.
    return Unavailable(f"S3 can't be reached for {place}: {error}", retry_after=RETRY_SECONDS)


def _bad_credentials(what: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"{what}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what else boto3 reads, for the services."
    )
