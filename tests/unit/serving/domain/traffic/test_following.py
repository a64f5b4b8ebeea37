"""Two processes on one database: what one changes, the other serves."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest

from fairlead.kit.errors import FailedPrecondition, NotFound
from services.serving.domain.traffic.catalog import Status
from services.serving.domain.traffic.deployment import State
from services.serving.domain.traffic.split import Target
from tests import waiting
from tests.unit.serving.houses import HOUSE, Process, champion_of, version

HALVES = [Target(version(1), "", 50), Target(version(2), "", 50)]


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[tuple[Process, Process]]:
    with ExitStack() as opened:
        one, other = Process(tmp_path), Process(tmp_path)
        for process in (one, other):
            opened.callback(process.close)
        yield one, other


def look_until(process: Process, shares: list[tuple[int, float]], never: list[tuple[int, float]] | None = None) -> None:
    def found() -> bool:
        process.following.look()
        assert process.shares() != never
        return process.shares() == shares

    waiting.until(found, f"the split {shares}")


def test_what_another_process_creates_is_served_and_loaded_when_asked_for(processes: tuple[Process, Process]) -> None:
    one, other = processes
    one.deployments.create("projects/p", "house", version(1))
    assert not other.catalog.knows(HOUSE)
    assert other.following.look() == []
    assert (other.shares(), other.load.loads) == ([(1, 100)], [])


def test_a_call_for_what_another_process_has_just_created_finds_it(processes: tuple[Process, Process]) -> None:
    one, other = processes
    one.deployments.create("projects/p", "house", version(1))
    with pytest.raises(NotFound):
        champion_of(other.catalog, HOUSE)

    def discover() -> None:
        assert other.following.look() == []

    other.catalog.discover = discover
    assert champion_of(other.catalog, HOUSE).version == version(1)
    with pytest.raises(NotFound):
        champion_of(other.catalog, "projects/p/deployments/none")


def test_an_id_is_free_as_soon_as_another_process_deletes_it(processes: tuple[Process, Process]) -> None:
    one, other = processes
    one.deployments.create("projects/p", "house", version(1))
    other.following.look()
    one.deployments.delete(HOUSE)
    assert other.deployments.create("projects/p", "house", version(2)).model_version == version(2)
    one.following.look()
    assert one.shares() == [(2, 100)]


def test_a_split_is_served_once_its_models_are_loaded_here(processes: tuple[Process, Process]) -> None:
    one, other = processes
    one.deployments.create("projects/p", "house", version(1))
    other.following.look()
    other.load.blocked[version(2)] = Event()
    one.deployments.split(HOUSE, HALVES, [], "")
    other.following.look()
    assert (other.shares(), other.following.waits) == ([(1, 100)], True)
    other.load.blocked[version(2)].set()
    look_until(other, [(1, 50), (2, 50)])
    assert (other.loaded(2), other.following.waits) == (True, False)
    # The slots too: a key goes to the same version everywhere.
    assert other.catalog.find(HOUSE) == one.catalog.find(HOUSE)


def test_a_model_that_can_not_be_loaded_here_is_told_once_and_tried_until_it_can(
    processes: tuple[Process, Process],
) -> None:
    one, other = processes
    one.deployments.create("projects/p", "house", version(1))
    other.following.look()
    other.load.broken[version(2)] = FailedPrecondition("the disk is full")
    one.deployments.split(HOUSE, HALVES, [], "")
    told: list[tuple[str, str]] = []

    def is_told() -> bool:
        told.extend(other.following.look())
        return bool(told)

    waiting.until(is_told, "the failure")
    assert told == [(HOUSE, "the disk is full")]
    assert other.following.look() == []
    assert other.catalog.status(HOUSE) == Status(
        State.READY, "the newest change is not served here yet: the disk is full"
    )
    assert other.shares() == [(1, 100)]
    other.load.broken.clear()
    look_until(other, [(1, 50), (2, 50)])
    assert other.catalog.status(HOUSE) == Status(State.READY)


def test_the_newest_of_several_changes_is_served(processes: tuple[Process, Process]) -> None:
    one, other = processes
    one.deployments.create("projects/p", "house", version(1))
    other.following.look()
    other.load.blocked[version(2)] = Event()
    one.deployments.update(HOUSE, version(2), "")
    other.following.look()
    one.deployments.update(HOUSE, version(3), "")
    other.following.look()
    assert other.shares() == [(1, 100)]
    # Models are loaded one at a time: only now can the third be, and the second is there before it.
    other.load.blocked[version(2)].set()
    look_until(other, [(3, 100)], never=[(2, 100)])
    assert other.loaded(2)
    other.following.look()
    assert other.shares() == [(3, 100)]


def test_a_split_does_not_wait_for_a_shadow_that_can_not_be_loaded_here(processes: tuple[Process, Process]) -> None:
    one, other = processes
    one.deployments.create("projects/p", "house", version(1))
    other.following.look()
    other.load.broken[version(3)] = FailedPrecondition("the disk is full")
    one.deployments.split(HOUSE, [Target(version(2), "", 100), Target(version(3), "", shadow=True)], [], "")
    look_until(other, [(2, 100), (3, 0)])
    waiting.until(lambda: version(3) in other.load.loads, "the shadow to be tried")


def test_what_another_process_deletes_ends_here(processes: tuple[Process, Process]) -> None:
    one, other = processes
    one.deployments.create("projects/p", "house", version(1))
    other.following.look()
    one.deployments.delete(HOUSE)
    other.following.look()
    assert (other.catalog.deployments(), other.ended) == ([], [HOUSE])
    one.deployments.create("projects/p", "house", version(2))
    other.following.look()
    assert other.shares() == [(2, 100)]


def test_a_process_that_starts_serves_what_is_deployed(processes: tuple[Process, Process], tmp_path: Path) -> None:
    one, _ = processes
    one.deployments.create("projects/p", "house", version(1))
    one.deployments.split(HOUSE, HALVES, [], "")
    started = Process(tmp_path)
    assert started.catalog.find(HOUSE) == one.catalog.find(HOUSE)
    assert started.load.loads == []
    started.close()
