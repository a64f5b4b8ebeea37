"""Failures of databases and of S3 in the words of Fairlead's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from fairlead.kit.database import unavailable
from fairlead.kit.errors import Internal, Unavailable


@contextmanager
def told() -> Iterator[None]:
    """Raise a database's or boto3's failure as Unavailable or Internal, in one sentence without a password."""
    try:
        yield
    except DBAPIError as error:
        reason = (str(error.orig).strip().splitlines() or ["?"])[0]
        if unavailable(error) is not None:
            raise Unavailable(f"a database is away or busy: {reason}; begin again") from error
        raise Internal(f"a database refused a statement: {reason}") from error
    except Exception as error:
        if type(error).__module__.split(".")[0] not in ("botocore", "boto3"):
            raise
        raise Unavailable(f"S3 failed: {error}") from error
