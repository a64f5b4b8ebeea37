"""Datasets, versions and profiles in each kind of database, also where several processes write at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine

from fairlead.kit.database import migrate, open_database
from fairlead.kit.errors import NotFound
from services.profiler.adapters.catalog import MIGRATIONS, Catalog, DatasetKey

ADULT = DatasetKey("red", "adult")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url, "profiler")
    migrate(engine, MIGRATIONS)
    yield engine
    engine.dispose()


@pytest.fixture
def catalog(engine: Engine) -> Catalog:
    return Catalog(engine)


def message_of(number: int) -> bytes:
    return f"version {number}".encode()


def test_versions_are_counted_up(catalog: Catalog) -> None:
    numbers = [catalog.add_version(ADULT, sha256, "", message_of).version for sha256 in ("a", "b", "c")]

    assert numbers == [1, 2, 3]
    assert catalog.version(ADULT, 0).message == b"version 3"
    assert [row.version for row in catalog.versions(ADULT, 3, 10)] == [2, 1]
    assert catalog.dataset(ADULT).latest_version == 3


def test_the_same_content_is_the_same_version(catalog: Catalog) -> None:
    first = catalog.add_version(ADULT, "a", "", message_of)

    assert catalog.add_version(ADULT, "a", "", message_of) == first
    assert catalog.same_content(ADULT, "a", "") == first
    assert catalog.same_content(ADULT, "a", "second sheet") is None
    assert catalog.dataset(ADULT).latest_version == 1


def test_numbers_are_not_used_again_after_a_dataset_was_deleted(catalog: Catalog) -> None:
    catalog.add_version(ADULT, "a", "", message_of)
    catalog.save_profile(ADULT, 1, b"profile")
    catalog.delete(ADULT)
    with pytest.raises(NotFound):
        catalog.dataset(ADULT)
    with pytest.raises(NotFound):
        catalog.profile(ADULT, 1)

    assert catalog.add_version(ADULT, "a", "", message_of).version == 2
    assert [row.version for row in catalog.versions(ADULT, 0, 10)] == [2]


def test_a_profile_replaces_the_former(catalog: Catalog) -> None:
    catalog.add_version(ADULT, "a", "", message_of)
    catalog.save_profile(ADULT, 1, b"first")
    catalog.save_profile(ADULT, 1, b"second")

    assert catalog.profile(ADULT, 1) == b"second"


def test_datasets_are_listed_by_name_within_a_project(catalog: Catalog) -> None:
    for project, dataset in (("red", "wine"), ("red", "adult"), ("blue", "heart")):
        catalog.add_version(DatasetKey(project, dataset), "a", "", message_of)

    assert [row.key.dataset for row in catalog.datasets("red", "", 10)] == ["adult", "wine"]
    assert [row.key.dataset for row in catalog.datasets("red", "adult", 10)] == ["wine"]


def test_imports_at_the_same_time_get_a_number_each(engine: Engine) -> None:
    at_once = Barrier(4)

    def add(content: int) -> int:
        at_once.wait()
        return Catalog(engine).add_version(ADULT, f"content {content}", "", message_of).version

    with ThreadPoolExecutor(4) as processes:
        numbers = list(processes.map(add, range(4)))

    assert sorted(numbers) == [1, 2, 3, 4]
    assert Catalog(engine).dataset(ADULT).latest_version == 4


def test_imports_of_one_content_at_the_same_time_make_one_version(engine: Engine) -> None:
    at_once = Barrier(4)

    def add(_: int) -> int:
        at_once.wait()
        return Catalog(engine).add_version(ADULT, "same", "", message_of).version

    with ThreadPoolExecutor(4) as processes:
        numbers = list(processes.map(add, range(4)))

    assert numbers == [1, 1, 1, 1]


def test_profiles_written_at_the_same_time_are_one(engine: Engine, catalog: Catalog) -> None:
    catalog.add_version(ADULT, "a", "", message_of)
    at_once = Barrier(4)

    def save(number: int) -> None:
        at_once.wait()
        Catalog(engine).save_profile(ADULT, 1, f"profile {number}".encode())

    with ThreadPoolExecutor(4) as processes:
        list(processes.map(save, range(4)))

    assert catalog.profile(ADULT, 1).startswith(b"profile ")
