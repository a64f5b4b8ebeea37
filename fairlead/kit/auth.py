"""Who calls: one admin with a token, the services by tokens of their own, and whoever scrapes metrics."""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fairlead.kit.errors import Unauthenticated
from fairlead.kit.service_tokens import ServiceToken, claims_of, is_signed

if TYPE_CHECKING:
    from fairlead.kit.settings import KitSettings

MOST_REMEMBERED = 64
"""Headers that were right: those of the services that call, and the ones that they showed before."""
NO_SERVICE = "kit"
"""What settings that are no service's own call themselves."""


@dataclass(frozen=True)
class Principal:
    """The caller."""

    name: str
    kind: Literal["service", "user", "scraper"]


ADMIN = Principal("admin", "user")
SERVICE = Principal("service", "service")
"""Whoever shows the shared secret itself, such as a tool of the operator's."""
SCRAPER = Principal("metrics", "scraper")


class TokenVerifier:
    """Tells who an Authorization header belongs to."""

    def __init__(
        self,
        service_token: str,
        admin_token_sha256: str,
        *,
        metrics_token: str = "",
        other_service_token: str = "",
        audience: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Accept these; an empty one is nobody's. Whoever takes a metrics token must let it read metrics alone.

        Services' tokens are signed with one of both secrets, for the audience; "" takes those for any.
        """
        self._secrets = [secret for secret in (service_token, other_service_token) if secret]
        self._audience = audience
        self._clock = clock
        self._accepted = [
            (digest, principal)
            for digest, principal in (
                *((hash_token(secret), SERVICE) for secret in self._secrets),
                (admin_token_sha256, ADMIN),
                (hash_token(metrics_token) if metrics_token else "", SCRAPER),
            )
            if digest
        ]
        self._right: dict[str, tuple[Principal, float]] = {}

    def verify(self, authorization: str | None) -> Principal:
        """Return the caller that a header "Bearer TOKEN" belongs to. Raises Unauthenticated for any other."""
        # Most calls are of a caller before: a header that was right need not be looked into again. How long it takes to
        # find one tells nothing of those there are, for they are found by a hash that is another in each process.
        found = self._right.get(authorization or "")
        if found is not None and self._clock() < found[1]:
            return found[0]
        found = self._found(authorization)
        if len(self._right) >= MOST_REMEMBERED:
            self._right.clear()
        self._right[authorization or ""] = found
        return found[0]

    def _found(self, authorization: str | None) -> tuple[Principal, float]:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("no token came with the call; send the header 'Authorization: Bearer TOKEN'")
        token = token.strip()
        if is_signed(token):
            caller, ends_at = claims_of(token, self._secrets, self._audience, self._clock())
            return Principal(caller, "service"), ends_at
        digest = hash_token(token)
        for accepted, principal in self._accepted:
            if hmac.compare_digest(digest, accepted):
                return principal, math.inf
        raise Unauthenticated("the token is not valid; `fairlead up` prints where the admin's token is stored")


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token, hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def verifier(settings: KitSettings, *, metrics_token: str = "") -> TokenVerifier:
    """Return the verifier of the tokens that the settings name."""
    return TokenVerifier(
        settings.service_token.get_secret_value(),
        settings.admin_token_sha256,
        metrics_token=metrics_token,
        other_service_token=settings.service_token_other.get_secret_value(),
        audience="" if settings.service == NO_SERVICE else settings.service,
    )


def metrics_verifier(settings: KitSettings) -> TokenVerifier:
    """Return the verifier of those who may read metrics: everybody with a token, and those who may do nothing else."""
    return verifier(settings, metrics_token=settings.metrics_token.get_secret_value())


def token_for(settings: KitSettings, service: str) -> Callable[[], str]:
    """Return what makes the header that the settings' service shows another."""
    return ServiceToken(settings.service_token.get_secret_value(), settings.service, service).header
