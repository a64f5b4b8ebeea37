"""Fresh databases of each supported kind, on real servers."""

from __future__ import annotations

from pathlib import Path

import pytest

SQLITE, POSTGRESQL = "sqlite", "postgresql"


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of the test's own; a test that asks for it runs once on each kind."""
    if request.param == SQLITE:
        return f"sqlite:///{tmp_path}/service.db"
    # Only now: a test on SQLite needs no server.
    url: str = request.getfixturevalue("postgres_database")
    return url
