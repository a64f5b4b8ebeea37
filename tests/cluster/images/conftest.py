"""Images are tested with a Docker engine alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.cluster.images.container import Container

Run = Callable[..., Container]


@pytest.fixture(scope="session", autouse=True)
def cluster() -> None:
    """No cluster is asked for here, other than beside this folder."""


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Start a container of an image as a cluster would; it is gone at the end of the file."""
    started: list[Container] = []

    def start(name: str, *command: str, **environment: str) -> Container:
        started.append(Container.start(name, *command, **environment))
        return started[-1]

    yield start
    for container in started:
        container.remove()
