"""The client's image is a plain install: the command line and the Python client."""

from __future__ import annotations

import json

from tests.cluster.images.container import docker, image_named, inspect, once


def test_it_is_the_command() -> None:
    assert once("client", "--version").startswith("fairlead 0.")


def test_without_a_command_it_tells_which_there_are() -> None:
    assert "predict" in docker("run", "--rm", image_named("client")).stdout


def test_it_has_the_python_client_and_no_library_of_a_service() -> None:
    found = "fairlead.Client.__name__, u.find_spec('grpc'), u.find_spec('pip')"
    program = f"import fairlead, importlib.util as u; print({found})"
    image = image_named("client")

    printed = docker("run", "--rm", "--read-only", "--entrypoint", "python", image, "-c", program).stdout

    assert printed.split() == ["Client", "None", "None"]


def test_it_is_small_and_lists_its_packages() -> None:
    image = inspect(image_named("client"))
    base = inspect(image["Config"]["Labels"]["org.opencontainers.image.base.name"])

    sbom = json.loads(
        docker("run", "--rm", "--entrypoint", "cat", image_named("client"), "/opt/fairlead/sbom.cdx.json").stdout
    )

    assert (image["Size"] - base["Size"]) / 1e6 < 50
    assert {"httpx", "typer", "rich"} <= {each["name"] for each in sbom["components"]}
    assert image["Config"]["User"] == "10001:10001"
