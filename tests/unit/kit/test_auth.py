from __future__ import annotations

from itertools import pairwise

import pytest

from fairlead.kit.auth import ADMIN, SERVICE, Principal, TokenVerifier, hash_token, token_for, verifier
from fairlead.kit.errors import Unauthenticated
from fairlead.kit.service_tokens import CLOCKS_DIFFER_SECONDS, LIFETIME_SECONDS, ServiceToken, signed
from fairlead.kit.settings import KitSettings
from services.serving.settings import ServingSettings
from services.trainer.settings import TrainerSettings


@pytest.fixture
def verifier_of_both() -> TokenVerifier:
    return TokenVerifier("service-secret", hash_token("admin-secret"))


def test_the_admin_and_the_services_are_told_apart(verifier_of_both: TokenVerifier) -> None:
    assert verifier_of_both.verify("Bearer admin-secret") == ADMIN
    assert verifier_of_both.verify("bearer service-secret") == SERVICE


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic admin-secret", "Bearer wrong", "admin-secret"]
)
def test_anything_else_is_refused(verifier_of_both: TokenVerifier, header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        verifier_of_both.verify(header)


def test_without_tokens_in_the_settings_nobody_comes_in() -> None:
    with pytest.raises(Unauthenticated):
        TokenVerifier("", "").verify("Bearer ")


def test_who_called_before_changes_nothing_for_others(verifier_of_both: TokenVerifier) -> None:
    for _ in range(2):
        assert verifier_of_both.verify("Bearer admin-secret") == ADMIN
        with pytest.raises(Unauthenticated):
            verifier_of_both.verify("Bearer admin-secre")
        with pytest.raises(Unauthenticated):
            verifier_of_both.verify("Bearer admin-secret\u00e9")
        assert verifier_of_both.verify("Bearer service-secret") == SERVICE
        with pytest.raises(Unauthenticated):
            verifier_of_both.verify("")


SECRET = "what-all-services-share"
TRAINER = Principal("trainer", "service")


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def at_serving(clock: Clock, secret: str = SECRET, other: str = "") -> TokenVerifier:
    return TokenVerifier(secret, "", other_service_token=other, audience="serving", clock=clock)


def test_a_services_token_names_the_service() -> None:
    clock = Clock()
    token = ServiceToken(SECRET, "trainer", "serving", clock)

    assert at_serving(clock).verify(token.header()) == TRAINER


def test_the_settings_say_who_calls_whom() -> None:
    shown = token_for(TrainerSettings(service_token=SECRET), "serving")()

    assert verifier(ServingSettings(service_token=SECRET)).verify(shown) == TRAINER
    with pytest.raises(Unauthenticated, match="is for 'serving', and this is 'trainer'"):
        verifier(TrainerSettings(service_token=SECRET)).verify(shown)
    # What is no service of its own, such as a tool's server, takes those for any.
    assert verifier(KitSettings(service_token=SECRET)).verify(shown) == TRAINER


def test_a_token_is_the_same_for_a_while_and_never_about_to_expire() -> None:
    clock = Clock()
    token, serving = ServiceToken(SECRET, "trainer", "serving", clock), at_serving(clock)
    shown = set()
    for _ in range(100):
        shown.add(token.header())
        assert serving.verify(token.header()) == TRAINER
        clock.now += LIFETIME_SECONDS / 20
    assert len(shown) == 10


def test_one_that_leaked_expires_though_it_was_just_shown() -> None:
    clock = Clock()
    header, serving = ServiceToken(SECRET, "trainer", "serving", clock).header(), at_serving(clock)
    assert serving.verify(header) == TRAINER
    clock.now += LIFETIME_SECONDS + CLOCKS_DIFFER_SECONDS
    with pytest.raises(Unauthenticated, match="expired"):
        serving.verify(header)


@pytest.mark.parametrize("secret", ["another", ""])
def test_one_that_is_signed_with_another_secret_is_refused(secret: str) -> None:
    clock = Clock()
    header = ServiceToken(secret, "trainer", "serving", clock).header()
    for mine in (SECRET, ""):
        with pytest.raises(Unauthenticated, match="not signed"):
            at_serving(clock, mine).verify(header)


def test_one_that_was_changed_is_refused() -> None:
    clock = Clock()
    head, claims, signature = signed(SECRET, "trainer", "serving", clock.now + 1).split(".")
    _, others, _ = signed(SECRET, "gateway", "serving", clock.now + 1).split(".")
    for token in (f"{head}.{others}.{signature}", f"{head}.{claims}.", f"{head}.{claims}", f"{head}.{claims}.\u00e9"):
        with pytest.raises(Unauthenticated, match="not signed"):
            at_serving(clock).verify(f"Bearer {token}")


def test_the_secret_is_changed_without_a_moment_in_which_a_service_is_refused() -> None:
    clock, new = Clock(), "the-next-one"
    # All accept the new one, then all sign with it, then none accepts the old one. Each step meets the one before.
    steps = [(SECRET, ""), (SECRET, new), (new, SECRET), (new, "")]
    for before, after in pairwise(steps):
        for signing, accepting in ((before, after), (after, before)):
            header = ServiceToken(signing[0], "trainer", "serving", clock).header()
            assert at_serving(clock, *accepting).verify(header) == TRAINER
