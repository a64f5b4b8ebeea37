"""Sessions of browsers."""

from __future__ import annotations

import pytest

from fairlead.kit.auth import Principal, TokenVerifier
from fairlead.kit.errors import Unauthenticated
from services.gateway.composition import session_keys
from services.gateway.domain.sessions import SESSION_SECONDS, Sessions
from services.gateway.settings import GatewaySettings

ADA = Principal("ada", "user")
SECRET, OTHER = "services' secret", "services' next secret"


class Clock:
    """A clock that stands until it is set."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def keys_of(**given: str) -> tuple[str, ...]:
    return session_keys(GatewaySettings(**{"service_token": SECRET, "admin_token_sha256": "ab" * 32, **given}))


def test_a_session_stands_for_who_signed_in() -> None:
    sessions = Sessions(["key"])

    assert sessions.principal(sessions.open(ADA)) == ADA


def test_every_gateway_with_the_same_secret_takes_it() -> None:
    session = Sessions(keys_of()).open(ADA)

    assert Sessions(keys_of()).principal(session) == ADA


@pytest.mark.parametrize("changed", [{"service_token": OTHER}, {"admin_token_sha256": "cd" * 32}])
def test_a_change_of_the_secret_or_of_the_admins_token_ends_it(changed: dict[str, str]) -> None:
    session = Sessions(keys_of()).open(ADA)

    with pytest.raises(Unauthenticated):
        Sessions(keys_of(**changed)).principal(session)


def test_while_the_secret_is_changed_both_are_taken() -> None:
    before, after = Sessions(keys_of()), Sessions(keys_of(service_token=OTHER, service_token_other=SECRET))
    between = Sessions(keys_of(service_token_other=OTHER))

    assert after.principal(before.open(ADA)) == ADA
    assert between.principal(after.open(ADA)) == ADA
    assert before.principal(between.open(ADA)) == ADA


def test_without_a_secret_that_services_share_nobody_else_can_sign_one() -> None:
    keys = keys_of(service_token="")

    assert len(keys[0]) > 64
    assert keys_of(service_token="") != keys
    with pytest.raises(ValueError, match="need a key"):
        Sessions([""])


@pytest.mark.parametrize("session", ["", "unknown", "a.b", "\u00e9"])
def test_what_was_never_opened_is_refused(session: str) -> None:
    with pytest.raises(Unauthenticated, match="sign in again"):
        Sessions(["key"]).principal(session)


def test_a_session_that_was_changed_is_refused() -> None:
    told, _, signature = Sessions(["key"]).open(ADA).partition(".")
    eve, _, _ = Sessions(["other"]).open(Principal("eve", "user")).partition(".")

    assert Sessions(["key"]).principal(f"{told}.{signature}") == ADA
    with pytest.raises(Unauthenticated):
        Sessions(["key"]).principal(f"{eve}.{signature}")


def test_a_session_ends_after_its_time() -> None:
    clock = Clock()
    sessions = Sessions(["key"], clock)
    session = sessions.open(ADA)
    clock.now += SESSION_SECONDS - 1
    assert sessions.principal(session) == ADA
    clock.now += 1
    with pytest.raises(Unauthenticated):
        sessions.principal(session)


def test_a_session_is_no_token() -> None:
    session = Sessions(keys_of()).open(ADA)

    with pytest.raises(Unauthenticated):
        TokenVerifier(SECRET, "ab" * 32).verify(f"Bearer {session}")
