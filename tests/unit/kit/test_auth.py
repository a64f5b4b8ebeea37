from __future__ import annotations

import pytest

from fairlead.kit.auth import ADMIN, SERVICE, TokenVerifier, hash_token
from fairlead.kit.errors import Unauthenticated


@pytest.fixture
def verifier() -> TokenVerifier:
    return TokenVerifier("service-secret", hash_token("admin-secret"))


def test_the_admin_and_the_services_are_told_apart(verifier: TokenVerifier) -> None:
    assert verifier.verify("Bearer admin-secret") == ADMIN
    assert verifier.verify("bearer service-secret") == SERVICE


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic admin-secret", "Bearer wrong", "admin-secret"]
)
def test_anything_else_is_refused(verifier: TokenVerifier, header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        verifier.verify(header)


def test_without_tokens_in_the_settings_nobody_comes_in() -> None:
    with pytest.raises(Unauthenticated):
        TokenVerifier("", "").verify("Bearer ")


def test_who_called_before_changes_nothing_for_others(verifier: TokenVerifier) -> None:
    for _ in range(2):
        assert verifier.verify("Bearer admin-secret") == ADMIN
        with pytest.raises(Unauthenticated):
            verifier.verify("Bearer admin-secre")
        with pytest.raises(Unauthenticated):
            verifier.verify("Bearer admin-secret\u00e9")
        assert verifier.verify("Bearer service-secret") == SERVICE
        with pytest.raises(Unauthenticated):
            verifier.verify("")
