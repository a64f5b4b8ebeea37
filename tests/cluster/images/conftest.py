"""Images are tested with a Docker engine alone."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def cluster() -> None:
    """No cluster is asked for here, other than beside this folder."""
