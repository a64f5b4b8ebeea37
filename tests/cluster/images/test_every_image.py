"""What holds for every image: small, compiled, locked, and telling what it is."""

from __future__ import annotations

import json
import re

import pytest

from tests.cluster.images.container import IMAGES, image_named, inspect, once, python
from tests.data import ROOT

# The most that an image adds to its base, in MB.
LARGEST = {
    "client": 50,
    "gateway": 120,
    "conductor": 120,
    "drift": 200,
    "operator": 230,
    "profiler": 400,
    "serving": 700,
    "trainer": 900,
}
# These name their licences in words of their own, which no program reads.
NO_LICENCE = {"huey", "protobuf", "simple-di"}
INSTALLED = "from importlib.metadata import distributions as d; print(*(f'{x.name}=={x.version}' for x in d()))"


@pytest.fixture(scope="module", params=IMAGES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def normal(requirement: str) -> str:
    """Return name==version as the lock writes it."""
    name, _, version = requirement.partition("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"


def test_all_of_it_is_compiled(name: str) -> None:
    program = """
import importlib.util, pathlib
found = [spec for spec in map(importlib.util.find_spec, ("fairlead", "grpc", "sqlalchemy", "rich")) if spec]
print(len(found) > 1)
for spec in found:
    for path in pathlib.Path(spec.submodule_search_locations[0]).rglob("*.py"):
        compiled = pathlib.Path(importlib.util.cache_from_source(str(path)))
        if not compiled.exists() or compiled.read_bytes()[4] != 1:
            print(path)
"""
    assert python(name, program).split() == ["True"]


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
