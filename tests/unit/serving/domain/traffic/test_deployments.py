"""Deployments kept in a real database, with made-up models."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from fairlead.kit.errors import Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from services.serving.domain.models.cache import CacheState
from services.serving.domain.traffic.deployment import Deployment, State
from services.serving.domain.traffic.deployments import Deployments
from services.serving.domain.traffic.split import Step, Target
from tests import waiting
from tests.unit.serving.houses import HOUSE, NOON, Process, shares, target, version
from tests.unit.serving.schemas import INCOME

CHALLENGER = "projects/p/models/m/aliases/challenger"
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path)
    yield process
    process.close()


@pytest.fixture
def house(process: Process) -> Deployments:
    process.deployments.create("projects/p", "house", version(1))
    return process.deployments


def named(name: str, percent: float = 0.0, *, shadow: bool = False) -> Target:
    """A target as a caller names it: where its package lies is not known yet."""
    return Target(name, "", percent, shadow)


def test_what_is_created_is_kept_loaded_and_served(process: Process) -> None:
    created = process.deployments.create("projects/p", "house", CHALLENGER, pinned=True, log_sampling_rate=0.5)
    assert (created.model_version, created.pinned, created.log_sampling_rate) == (version(2), True, 0.5)
    assert process.deployments.get(HOUSE) == created == process.catalog.find(HOUSE)
    assert process.loaded(2)
    with pytest.raises(AlreadyExists):
        process.deployments.create("projects/p", "house", version(1))


def test_what_can_not_be_loaded_is_not_created_and_frees_what_it_took(process: Process) -> None:
    process.load.broken[version(1)] = FailedPrecondition("the package is broken")
    with pytest.raises(FailedPrecondition, match="the package is broken"):
        process.deployments.create("projects/p", "house", version(1))
    assert process.deployments.page("projects/p", 10, "") == []
    assert process.catalog.cache.state(version(1)).state is CacheState.UNLOADED


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_sampling_rate_that_is_no_share_is_refused(house: Deployments, rate: float) -> None:
    with pytest.raises(InvalidArgument, match="log_sampling_rate"):
        house.create("projects/p", "other", version(1), log_sampling_rate=rate)
    with pytest.raises(InvalidArgument, match="log_sampling_rate"):
        house.update(HOUSE, "", "", log_sampling_rate=rate)


def test_an_update_changes_what_it_names_alone(house: Deployments, process: Process) -> None:
    pinned = house.update(HOUSE, "", "", pinned=True)
    assert (shares(pinned), pinned.pinned, pinned.log_sampling_rate) == ([(1, 100)], True, 0)
    sampled = house.update(HOUSE, "", pinned.etag, log_sampling_rate=0.1)
    assert (sampled.pinned, sampled.log_sampling_rate, sampled.previous_traffic) == (True, 0.1, ())
    served = house.update(HOUSE, version(3), sampled.etag)
    assert (shares(served), served.pinned, served.log_sampling_rate) == ([(3, 100)], True, 0.1)
    assert process.shares() == [(3, 100)]


def test_a_split_resolves_aliases_loads_all_versions_and_is_served(house: Deployments, process: Process) -> None:
    traffic = [named(version(1), 90), named(CHALLENGER, 10), named(version(3), shadow=True)]
    changed = house.split(HOUSE, traffic, [], "")
    assert shares(changed) == [(1, 90), (2, 10), (3, 0)]
    assert [each.package_blob for each in changed.traffic] == ["models/p/1", "models/p/2", "models/p/3"]
    assert all(process.loaded(number) for number in (1, 2, 3))
    assert process.deployments.get(HOUSE) == changed == process.catalog.find(HOUSE)


def test_the_same_version_under_two_names_is_refused(house: Deployments) -> None:
    with pytest.raises(InvalidArgument, match="name it once"):
        house.split(HOUSE, [named(version(2), 50), named(CHALLENGER, 50)], [], "")


def test_an_unlike_or_broken_version_leaves_everything_as_it_was(house: Deployments, process: Process) -> None:
    before = house.get(HOUSE)
    process.load.schemas[version(2)] = INCOME
    process.load.broken[version(3)] = FailedPrecondition("the package is broken")
    with pytest.raises(FailedPrecondition, match="another kind of prediction"):
        house.split(HOUSE, [named(version(1), 50), named(version(2), 50)], [], "")
    with pytest.raises(FailedPrecondition, match="the package is broken"):
        house.split(HOUSE, [named(version(1), 50), named(version(3), 50)], [], "")
    with pytest.raises(NotFound):
        house.split(HOUSE, [named(version(1), 50), named("projects/p/models/m/versions/x", 50)], [], "")
    assert house.get(HOUSE) == before == process.catalog.find(HOUSE)


def test_steps_are_checked_like_the_split_before_they_are_planned(house: Deployments, process: Process) -> None:
    process.load.schemas[version(2)] = INCOME
    with pytest.raises(FailedPrecondition, match="another kind of prediction"):
        house.split(HOUSE, [], [Step(LATER, (named(version(2), 100),))], "")
    with pytest.raises(InvalidArgument, match="which is over"):
        house.split(HOUSE, [], [Step(NOON, (named(version(1), 100),))], "")
    planned = house.split(HOUSE, [], [Step(LATER, (named(version(3), 100),))], "")
    assert planned.steps == (Step(LATER, (target(3, 100),)),)
    assert house.get(HOUSE) == planned


def test_nothing_at_all_is_no_split_but_ends_a_plan(house: Deployments) -> None:
    with pytest.raises(InvalidArgument, match="both empty"):
        house.split(HOUSE, [], [], "")
    house.split(HOUSE, [], [Step(LATER, (named(version(3), 100),))], "")
    assert house.split(HOUSE, [], [], "").steps == ()


def test_promotion_and_rollback_go_forth_and_back(house: Deployments, process: Process) -> None:
    house.split(HOUSE, [named(version(1), 90), named(version(2), 10)], [], "")
    assert shares(house.promote(HOUSE, CHALLENGER, "")) == [(2, 100)]
    assert process.shares() == [(2, 100)]
    assert shares(house.roll_back(HOUSE, "")) == [(1, 90), (2, 10)]
    assert process.shares() == [(1, 90), (2, 10)]
    assert shares(house.promote(HOUSE, "", "")) == [(2, 100)]


def test_a_rollback_to_a_version_that_is_gone_changes_nothing(house: Deployments, process: Process) -> None:
    house.update(HOUSE, version(2), "")
    process.catalog.cache.discard(version(1))
    process.load.broken[version(1)] = FailedPrecondition("the package is gone")
    with pytest.raises(FailedPrecondition, match="the package is gone"):
        house.roll_back(HOUSE, "")
    assert process.shares() == [(2, 100)]


def test_a_rollback_does_not_wait_for_a_shadow_that_can_not_be_loaded(house: Deployments, process: Process) -> None:
    house.split(HOUSE, [named(version(1), 100), named(version(3), shadow=True)], [], "")
    house.update(HOUSE, version(2), "")
    process.catalog.cache.discard(version(3))
    process.load.broken[version(3)] = FailedPrecondition("the package is gone")
    rolled_back = house.roll_back(HOUSE, "")
    assert [(each.model_version, each.shadow) for each in rolled_back.traffic] == [
        (version(1), False),
        (version(3), True),
    ]
    assert process.shares() == [(1, 100), (3, 0)]
    waiting.until(lambda: process.load.loads.count(version(3)) == 2, "the shadow to be tried")
    assert process.catalog.status(HOUSE).state is State.READY


def test_a_stale_etag_is_refused_by_every_change(house: Deployments) -> None:
    stale = house.get(HOUSE).etag
    house.update(HOUSE, version(2), stale)
    changes: list[Callable[[], Deployment]] = [
        lambda: house.update(HOUSE, version(3), stale),
        lambda: house.split(HOUSE, [named(version(3), 100)], [], stale),
        lambda: house.promote(HOUSE, version(2), stale),
        lambda: house.roll_back(HOUSE, stale),
    ]
    for change in changes:
        with pytest.raises(Aborted, match="was changed meanwhile"):
            change()
    assert shares(house.get(HOUSE)) == [(2, 100)]


def test_what_is_deleted_ends_and_is_forgotten(house: Deployments, process: Process) -> None:
    house.delete(HOUSE)
    assert (process.ended, process.catalog.deployments()) == ([HOUSE], [])
    with pytest.raises(NotFound):
        house.get(HOUSE)
    with pytest.raises(NotFound):
        house.delete(HOUSE)


def test_each_change_has_a_higher_revision(house: Deployments) -> None:
    revisions = [house.get(HOUSE).revision, house.update(HOUSE, version(2), "").revision]
    revisions.append(house.create("projects/p", "other", version(1)).revision)
    assert revisions == sorted(set(revisions))
