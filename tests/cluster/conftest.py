"""One release of the chart that the tests of this folder share, in the order of its life."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.commands import CommandFailed, kubectl
from tests.cluster.prometheus import running_prometheus
from tests.cluster.release import Release, in_namespace


@pytest.fixture(scope="session", autouse=True)
def cluster() -> None:
    """The cluster that KUBECONFIG names."""
    try:
        kubectl("get", "--raw", "/readyz", seconds=20)
    except CommandFailed as error:
        pytest.exit(f"no cluster answers: set KUBECONFIG to one that tests may install in. {error}", returncode=2)


@pytest.fixture(scope="session")
def release() -> Iterator[Release]:
    """A namespace with nothing in it, and the name of what tests install there; both are gone at the end."""
    with in_namespace("fairlead-test") as release:
        yield release


@pytest.fixture(scope="session")
def prometheus(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Prometheus that scrapes the release, which is installed by now."""
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), release) as url:
        yield url
