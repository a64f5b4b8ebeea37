"""Projects in each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairlead.kit.database import migrate, open_database
from fairlead.kit.errors import AlreadyExists, InvalidArgument, NotFound
from services.gateway.adapters.projects import ProjectStore
from services.gateway.adapters.schema import MIGRATIONS


@pytest.fixture
def store(database_url: str) -> Iterator[ProjectStore]:
    engine = open_database(database_url, "gateway")
    migrate(engine, MIGRATIONS)
    yield ProjectStore(engine)
    engine.dispose()


def test_the_default_project_is_always_there(store: ProjectStore) -> None:
    assert store.get("default").display_name == "Default"
    assert store.knows("default")


def test_a_project_is_kept(store: ProjectStore) -> None:
    made = store.create("churn", "Customer churn")

    assert store.get("churn") == made


def test_a_taken_id_is_refused(store: ProjectStore) -> None:
    with pytest.raises(AlreadyExists, match="projects/default already exists"):
        store.create("default", "")


@pytest.mark.parametrize("bad", ["", "A", "1a", "a_b", "a" * 64, "../x"])
def test_a_bad_id_is_refused(store: ProjectStore, bad: str) -> None:
    with pytest.raises(InvalidArgument):
        store.create(bad, "")


def test_an_unknown_project_is_not_found(store: ProjectStore) -> None:
    with pytest.raises(NotFound, match="there is no project 'nope'"):
        store.get("nope")
    assert not store.knows("nope")


def test_pages_follow_each_other_by_id(store: ProjectStore) -> None:
    for project_id in ("b", "a", "c"):
        store.create(project_id, "")

    first, token = store.list(3, "")
    second, end = store.list(3, token)

    assert [project.id for project in first + second] == ["a", "b", "c", "default"]
    assert end == ""
