"""A Docker engine and Docker Compose are all that is needed here."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def cluster() -> None:
    """No cluster is asked for here, other than beside this folder."""
