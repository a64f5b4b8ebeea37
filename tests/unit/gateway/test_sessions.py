"""Sessions of browsers."""

from __future__ import annotations

import pytest

from fairlead.kit.auth import Principal
from fairlead.kit.errors import Unauthenticated
from services.gateway.domain.sessions import SESSION_SECONDS, Sessions

ADA = Principal("ada", "user")


class Clock:
    """A clock that stands until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_session_stands_for_who_signed_in_and_each_has_an_id_of_its_own() -> None:
    sessions = Sessions()
    first, second = sessions.open(ADA), sessions.open(ADA)

    assert first != second
    assert sessions.principal(first) == sessions.principal(second) == ADA


@pytest.mark.parametrize("session_id", ["", "unknown", "\u00e9"])
def test_an_unknown_session_is_refused(session_id: str) -> None:
    with pytest.raises(Unauthenticated, match="sign in again"):
        Sessions().principal(session_id)


def test_a_session_ends_after_its_time() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    session_id = sessions.open(ADA)
    clock.now += SESSION_SECONDS - 1
    assert sessions.principal(session_id) == ADA
    clock.now += 1
    with pytest.raises(Unauthenticated):
        sessions.principal(session_id)


def test_the_oldest_session_makes_room() -> None:
    sessions = Sessions(most=2)
    oldest, *others = [sessions.open(ADA) for _ in range(3)]

    assert [sessions.principal(each) for each in others] == [ADA, ADA]
    with pytest.raises(Unauthenticated):
        sessions.principal(oldest)
