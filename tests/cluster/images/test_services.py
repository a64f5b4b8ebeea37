"""A service's image runs by itself, and holds what the service needs and no more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from grpc_health.v1.health_pb2 import HealthCheckResponse

from tests.cluster.images.container import SERVICES, Container, docker, image_named, inspect, once, python
from tests.data import ROOT

# The most that an image adds to its base, in MB.
LARGEST = {"gateway": 120, "conductor": 120, "drift": 200, "profiler": 400, "serving": 700, "trainer": 900}
MAKE_JOBS = ("profiler", "trainer", "serving")
# These name their licences in words of their own, which no program reads.
NO_LICENCE = {"huey", "protobuf", "simple-di"}
INSTALLED = "from importlib.metadata import distributions as d; print(*(f'{x.name}=={x.version}' for x in d()))"


@pytest.fixture(scope="module", params=SERVICES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def service(name: str) -> Iterator[Container]:
    with Container.start(name) as container:
        yield container


def normal(requirement: str) -> str:
    """Return name==version as the lock writes it."""
    name, _, version = requirement.partition("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"


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


def test_all_of_it_is_compiled(name: str) -> None:
    program = """
import fairlead, pathlib, importlib.util, grpc, sqlalchemy
for package in (fairlead, grpc, sqlalchemy):
    for path in pathlib.Path(package.__path__[0]).rglob("*.py"):
        compiled = pathlib.Path(importlib.util.cache_from_source(str(path)))
        if not compiled.exists() or compiled.read_bytes()[4] != 1:
            print(path)
"""
    assert python(name, program) == ""


def test_nothing_that_installs_or_compiles_is_in_it(name: str) -> None:
    tools = "pip pip3 uv gcc cc c++ clang ld as make strip cyclonedx-py"
    folders = "/opt/tools /build /locks /wheel /added /root/.cache /tmp/*"
    modules = "('pip', 'uv', 'ensurepip', 'setuptools', 'cyclonedx_py')"

    look = f"for tool in {tools}; do command -v $tool; done; ls -d {folders} 2>/dev/null; true"
    assert once(name, "sh", "-c", look) == ""
    assert python(name, f"import importlib.util as u; print(*(m for m in {modules} if u.find_spec(m)))").split() == []


def test_its_packages_are_those_of_the_lock(name: str) -> None:
    lock = set(re.findall(r"^[\w.-]+==[^\s;]+", (ROOT / "requirements.lock").read_text(), re.MULTILINE))

    installed = {normal(each) for each in python(name, INSTALLED).split()}

    assert {each for each in installed if not each.startswith("fairlead==")} - lock == set()


def test_it_carries_the_list_of_its_packages_and_their_licences(name: str) -> None:
    sbom = json.loads(once(name, "cat", "/opt/fairlead/sbom.cdx.json"))

    listed = {normal(f"{each['name']}=={each['version']}"): each for each in sbom["components"]}
    listed["fairlead==" + sbom["metadata"]["component"]["version"]] = sbom["metadata"]["component"]
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    assert listed.keys() == {normal(each) for each in python(name, INSTALLED).split()}
    assert all(each["purl"].startswith("pkg:pypi/") for each in sbom["components"])
    assert {each.partition("==")[0] for each, found in listed.items() if not found.get("licenses")} <= NO_LICENCE


def test_its_labels_say_what_it_is(name: str) -> None:
    config = inspect(image_named(name))["Config"]

    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in config["Labels"].items()}
    assert labels["title"] == f"fairlead-{name}"
    assert labels["licenses"] == "Apache-2.0"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", labels["version"])
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", labels["revision"])
    assert {"description", "created", "base.name"} <= labels.keys()
    assert config["User"] == "10001:10001"


def test_it_is_small_for_what_it_carries(name: str) -> None:
    image = inspect(image_named(name))
    base = inspect(image["Config"]["Labels"]["org.opencontainers.image.base.name"])

    assert (image["Size"] - base["Size"]) / 1e6 < LARGEST[name]
