"""A service's image runs by itself, and holds the service's modules and no other's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from grpc_health.v1.health_pb2 import HealthCheckResponse

from tests.cluster.images.container import SERVICES, Container, docker, image_named, python

MAKE_JOBS = ("profiler", "trainer", "serving")


@pytest.fixture(scope="module", params=SERVICES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def service(name: str) -> Iterator[Container]:
    with Container.start(name) as container:
        yield container


def test_it_tells_a_kubelet_and_a_stock_health_client_that_it_is_well(service: Container) -> None:
    asked = [("", 200), ("fairlead.started", 200), ("fairlead.ready", 200), ("", 0)]

    assert [service.health(*each) for each in asked] == [HealthCheckResponse.SERVING] * 4


def test_it_runs_as_a_user_who_can_write_nothing_but_its_home_and_tmp(service: Container) -> None:
    program = "find / -xdev -writable ! -type l ! -path '/proc/*' ! -path '/dev/*' 2>/dev/null; id -u; id -g"

    found = docker("exec", service.id, "sh", "-c", program).stdout.split()

    assert found == ["/tmp", "/var/lib/fairlead", "10001", "10001"]
    docker("exec", service.id, "sh", "-c", "touch /tmp/x /var/lib/fairlead/x")


def test_it_ends_well_when_asked_to(name: str) -> None:
    with Container.start(name) as container:
        assert container.stop() == 0, container.log()


def test_it_holds_the_kit_the_contracts_and_its_own_folder_alone(name: str) -> None:
    program = "import fairlead, os; print(*(n for n in os.listdir(fairlead.__path__[0]) if n != '__pycache__'))"
    folder = "import fairlead.services as s, os; print(*(n for n in os.listdir(s.__path__[0]) if n != '__pycache__'))"

    assert set(python(name, program).split()) == {"__init__.py", "py.typed", "kit", "api", "services"}
    assert set(python(name, folder).split()) == {"__init__.py", name}


@pytest.mark.parametrize("other", SERVICES)
def test_another_service_is_not_there(name: str, other: str) -> None:
    done = docker("run", "--rm", image_named(name), "python", "-c", f"import fairlead.services.{other}", check=False)

    assert (done.returncode == 0) == (other == name)
    assert (f"No module named 'fairlead.services.{other}'" in done.stderr) == (other != name)


def test_every_module_in_it_finds_what_it_imports(name: str) -> None:
    program = f"""
import importlib, pkgutil
import fairlead.api, fairlead.kit, fairlead.services.{name} as own
for package in (fairlead.api, fairlead.kit, own):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name.endswith((".__main__", ".env")) or ".versions." in module.name:
            continue
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            print(module.name.split(".")[1], error.name)
"""
    missing = {tuple(line.split(" ", 1)) for line in python(name, program).splitlines()}

    # Of the kit, what serves HTTP and what makes Jobs are for the services whose extras bring these libraries.
    assert missing <= {("kit", "uvicorn"), ("kit", "kubernetes"), ("kit", "yaml")}
    assert (("kit", "kubernetes") in missing) == (name not in MAKE_JOBS)
