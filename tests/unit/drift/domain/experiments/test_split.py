"""When an experiment begins, and in which split a version answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.drift.domain.experiments.split import Split, Target, next_split, split_of

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ONE, TWO, THREE = "projects/p/models/m/versions/1", "projects/p/models/m/versions/2", "projects/p/models/m/versions/3"


def hours(count: float) -> datetime:
    return NOON + timedelta(hours=count)


def history(*splits: tuple[Target, ...]) -> list[Split]:
    """Return the splits that these targets make, an hour after one another."""
    found: list[Split] = []
    for hour, targets in enumerate(splits):
        begun = next_split(found, targets, hours(hour))
        if begun is not None:
            found.append(begun)
    return found


def shares(first: float, second: float) -> tuple[Target, ...]:
    return Target(ONE, first), Target(TWO, second)


def test_other_versions_begin_an_experiment_and_other_shares_a_split_within_it() -> None:
    alone, some, more = (Target(ONE, 100),), shares(90, 10), shares(50, 50)
    found = history(alone, some, some, more, (Target(TWO, 50), Target(ONE, 50)), (Target(TWO, 100),))
    assert [(split.number, split.experiment) for split in found] == [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3)]
    assert [split.begin_time for split in found] == [hours(hour) for hour in (0, 1, 3, 4, 5)]


def test_a_shadow_that_is_let_answer_begins_an_experiment() -> None:
    found = history((Target(ONE, 100), Target(TWO, 0, shadow=True)), shares(50, 50))
    assert [split.experiment for split in found] == [1, 2]


def test_news_that_is_older_than_what_is_known_begins_nothing() -> None:
    found = history((Target(ONE, 100),), shares(50, 50))
    assert next_split(found, shares(20, 80), hours(0.5)) is None


def test_a_version_answered_in_the_newest_split_until_then_that_has_it() -> None:
    alone = (Target(ONE, 100),)
    found = history(alone, shares(90, 10), alone, shares(90, 10), (Target(ONE, 100), Target(THREE, 0, shadow=True)))

    def number(version: str, hour: float, shadow: bool = False) -> int | None:
        split = split_of(found, version, shadow, hours(hour))
        return split.number if split else None

    assert [number(ONE, hour) for hour in (0, 0.5, 1, 2.5, 9)] == [1, 1, 2, 3, 5]
    assert number(TWO, 2.5) == 2, "a worker that had not followed yet"
    assert number(TWO, 0.9) == 2, "clocks differ"
    assert number(TWO, 9) == 4
    assert (number(THREE, 9), number(THREE, 9, shadow=True)) == (None, 5)
    assert number(TWO, 9, shadow=True) is None
