"""Page sizes and opaque page tokens (AIP-158)."""

from __future__ import annotations

import base64
import binascii

from fairlead.kit.errors import FieldViolation, InvalidArgument


def page_limit(page_size: int, default: int = 50, maximum: int = 1000) -> int:
    """Return how many rows a page holds: the default for 0, never more than the maximum.

    Raises InvalidArgument for a negative size.
    """
    if page_size < 0:
        raise InvalidArgument(
            "page_size is negative; leave it out or give a positive number",
            violations=[FieldViolation("page_size", "must not be negative")],
        )
    return min(page_size or default, maximum)


def encode_token(value: str) -> str:
    """Return a token that hides its value from callers; "" for ""."""
    return base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")


def decode_token(token: str) -> str:
    """Return the value that encode_token was given. Raises InvalidArgument for anything else."""
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidArgument(
            "page_token was not made by this service; start again without one",
            violations=[FieldViolation("page_token", "not a token of this service")],
        ) from error
