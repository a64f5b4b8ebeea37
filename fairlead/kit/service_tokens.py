"""What services show each other: short-lived tokens that name the caller and whom it calls.

They are JSON Web Tokens (RFC 7519), signed by HMAC-SHA256 (HS256) with the secret that all services share.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fairlead.kit.errors import Unauthenticated

LIFETIME_SECONDS = 600.0
CLOCKS_DIFFER_SECONDS = 60.0
"""A token is good for so much longer than it says: machines' clocks are not one."""


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


# One header is accepted, which leaves no algorithm to choose.
_HEAD = _encoded(b'{"alg":"HS256","typ":"JWT"}') + "."


class Claims(NamedTuple):
    """Who shows a token, and until when (seconds since 1970) it may be shown."""

    caller: str
    ends_at: float


class ServiceToken:
    """Makes the header that one service shows another. Safe to use from many threads."""

    def __init__(self, secret: str, caller: str, audience: str, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._caller = caller
        self._audience = audience
        self._clock = clock
        self._header = ""
        self._renewed_at = 0.0

    def header(self) -> str:
        """Return what goes into Authorization: the same until half of a token's time is over."""
        now = self._clock()
        if now >= self._renewed_at or not self._header:
            token = signed(self._secret, self._caller, self._audience, now + LIFETIME_SECONDS)
            self._header = f"Bearer {token}"
            self._renewed_at = now + LIFETIME_SECONDS / 2
        return self._header


def signed(secret: str, caller: str, audience: str, ends_at: float) -> str:
    """Return the token of a caller for an audience."""
    claims = {"iss": caller, "aud": audience, "exp": int(ends_at)}
    told = _HEAD + _encoded(json.dumps(claims, separators=(",", ":")).encode())
    return f"{told}.{_signature(secret, told)}"


def is_signed(token: str) -> bool:
    """Return whether a token is of this kind, good or not."""
    return token.startswith(_HEAD)


def claims_of(token: str, secrets: Sequence[str], audience: str, now: float) -> Claims:
    """Return what a token says that is signed with one of the secrets, for the audience ("" for any).

    Raises Unauthenticated for one that is not, or whose time is over.
    """
    told, _, signature = token.rpartition(".")
    if not token.isascii() or not any(hmac.compare_digest(signature, _signature(secret, told)) for secret in secrets):
        raise Unauthenticated("the service's token is not signed with the secret that services share here")
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(told.removeprefix(_HEAD) + "=="))
    ends_at = float(claims["exp"]) + CLOCKS_DIFFER_SECONDS
    if now >= ends_at:
        raise Unauthenticated("the service's token has expired; see that the machines' clocks agree")
    if audience and claims["aud"] != audience:
        raise Unauthenticated(f"the service's token is for '{claims['aud']}', and this is '{audience}'")
    return Claims(str(claims["iss"]), ends_at)


def _signature(secret: str, told: str) -> str:
    return _encoded(hmac.digest(secret.encode(), told.encode(), hashlib.sha256))
