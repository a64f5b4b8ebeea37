"""What the search tries next."""

from __future__ import annotations

from services.trainer.domain.families import Problem, families_for, find_family
from services.trainer.domain.search.proposals import Sampler, contains, portfolio

PROBLEM = Problem("binary", 5_000, 10, 2)


def test_every_family_is_tried_before_any_is_tried_twice() -> None:
    families = families_for(PROBLEM)
    proposals = portfolio(families, PROBLEM)
    assert [family.name for family, _ in proposals[: len(families)]] == [family.name for family in families]
    assert len(proposals) == sum(len(family.portfolio(PROBLEM)) for family in families)


def test_the_sampler_proposes_within_the_spaces_and_repeats_itself_for_a_seed() -> None:
    families = (find_family("linear"), find_family("lightgbm"))

    def ask(seed: int) -> list[tuple[str, object]]:
        sampler = Sampler(families, PROBLEM, seed)
        sampler.learn("linear", {"C": 1.0}, 0.9)
        asked: list[tuple[str, object]] = []
        for turn in range(6):
            (family, params), ticket = sampler.ask()
            assert contains(family.space(PROBLEM), params)
            sampler.tell(ticket, 0.5 + turn / 100 if turn else None)
            asked.append((family.name, params))
        return asked

    assert ask(4) == ask(4)


def test_the_sampler_leans_to_what_did_well() -> None:
    sampler = Sampler((find_family("linear"), find_family("naive_bayes")), PROBLEM, seed=0)
    for turn in range(10):
        sampler.learn("linear", {"C": 0.01 * 2**turn}, 0.9)
        sampler.learn("naive_bayes", {"var_smoothing": 1e-6 * 2**turn}, 0.1)
    names = []
    for _ in range(10):
        (family, _), ticket = sampler.ask()
        sampler.tell(ticket, 0.9 if family.name == "linear" else 0.1)
        names.append(family.name)
    assert names.count("linear") > 7


def test_params_outside_a_space_are_not_learnt_from() -> None:
    sampler = Sampler((find_family("linear"),), PROBLEM, seed=0)
    sampler.learn("linear", {"C": 1e9}, 0.9)
    sampler.learn("perceptron", {"C": 1.0}, 0.9)
    (family, params), _ = sampler.ask()
    assert family.name == "linear"
    assert float(params["C"]) <= 100.0
