"""Who calls: one admin with a token, the services with a secret of their own, and whoever scrapes metrics."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fairlead.kit.errors import Unauthenticated

if TYPE_CHECKING:
    from fairlead.kit.settings import KitSettings


@dataclass(frozen=True)
class Principal:
    """The caller."""

    name: str
    kind: Literal["service", "user", "scraper"]


ADMIN = Principal("admin", "user")
SERVICE = Principal("service", "service")
SCRAPER = Principal("metrics", "scraper")


class TokenVerifier:
    """Tells who an Authorization header belongs to."""

    def __init__(self, service_token: str, admin_token_sha256: str, *, metrics_token: str = "") -> None:
        """Accept these; an empty one is nobody's. Whoever takes a metrics token must let it read metrics alone."""
        self._accepted = [
            (digest, principal)
            for digest, principal in (
                (hash_token(service_token) if service_token else "", SERVICE),
                (admin_token_sha256, ADMIN),
                (hash_token(metrics_token) if metrics_token else "", SCRAPER),
            )
            if digest
        ]
        self._last: tuple[str, Principal] | None = None

    def verify(self, authorization: str | None) -> Principal:
        """Return the caller that a header "Bearer TOKEN" belongs to. Raises Unauthenticated for any other."""
        # Most calls are of the caller before: the header that was right the last time need not be hashed again.
        last = self._last
        if last is not None and authorization and authorization.isascii():
            header, principal = last
            if hmac.compare_digest(authorization, header):
                return principal
        principal = self._found(authorization)
        if authorization and authorization.isascii():
            self._last = (authorization, principal)
        return principal

    def _found(self, authorization: str | None) -> Principal:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("no token came with the call; send the header 'Authorization: Bearer TOKEN'")
        digest = hash_token(token.strip())
        for accepted, principal in self._accepted:
            if hmac.compare_digest(digest, accepted):
                return principal
        raise Unauthenticated("the token is not valid; `fairlead up` prints where the admin's token is stored")


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token, hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def verifier(settings: KitSettings) -> TokenVerifier:
    """Return the verifier of the tokens that the settings name."""
    return TokenVerifier(settings.service_token.get_secret_value(), settings.admin_token_sha256)


def metrics_verifier(settings: KitSettings) -> TokenVerifier:
    """Return the verifier of those who may read metrics: everybody with a token, and those who may do nothing else."""
    return TokenVerifier(
        settings.service_token.get_secret_value(),
        settings.admin_token_sha256,
        metrics_token=settings.metrics_token.get_secret_value(),
    )
