"""The operator's image has the commands that work on the back ends themselves, and no service."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.images.container import RESTRICTED, SERVICES, docker, image_named, python
from tests.servers import guard

DATABASES = {*SERVICES, "mlflow", "conductor-steps"}


@pytest.fixture(scope="module")
def pod() -> Iterator[str]:
    """A container that waits for commands, with a Fairlead whose tables have just been made below its home."""
    image = image_named("operator")
    pod = docker("run", "--detach", *RESTRICTED, "--entrypoint", "sleep", image, "infinity").stdout.strip()
    guard.watch("container", pod)
    try:
        fairlead(pod, "db", "upgrade")
        yield pod
    finally:
        docker("rm", "--force", "--volumes", pod)
        guard.forget("container", pod)


@pytest.fixture(scope="module")
def backup(pod: str) -> str:
    """The folder of a backup of it."""
    fairlead(pod, "backup", "/tmp/backup")
    return "/tmp/backup"


def fairlead(pod: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return docker("exec", pod, "fairlead", *arguments, check=check)


def standings(pod: str, *arguments: str) -> dict[str, Any]:
    """Return how the tables of each database are."""
    return {
        each["service"]: each["state"] for each in json.loads(fairlead(pod, "db", "check", "--json", *arguments).stdout)
    }


def test_it_is_the_command() -> None:
    assert docker("run", "--rm", *RESTRICTED, image_named("operator"), "--version").stdout.startswith("fairlead 0.")


def test_without_a_command_it_tells_which_there_are() -> None:
    assert "restore" in docker("run", "--rm", *RESTRICTED, image_named("operator")).stdout


def test_it_makes_and_checks_the_tables_of_every_service_and_engine(pod: str) -> None:
    assert standings(pod) == dict.fromkeys(DATABASES, "up to date")


def test_a_backup_that_it_made_is_whole_and_restores(pod: str, backup: str) -> None:
    verified = json.loads(fairlead(pod, "backup", "--verify", backup, "--json").stdout)
    restored = json.loads(fairlead(pod, "restore", backup, "--home", "/tmp/again", "--json").stdout)

    assert restored["databases"] == len(DATABASES)
    assert restored == verified
    assert standings(pod, "--home", "/tmp/again") == dict.fromkeys(DATABASES, "up to date")


def test_a_backup_that_lost_a_file_is_told_apart(pod: str, backup: str) -> None:
    docker("exec", pod, "sh", "-c", f"cp -r {backup} /tmp/damaged && rm $(find /tmp/damaged -name '*.zst' | head -1)")

    done = fairlead(pod, "backup", "--verify", "/tmp/damaged", check=False)

    assert (done.returncode, done.stdout) == (1, "")
    assert "damaged" in done.stderr


def test_the_event_log_can_be_looked_at(pod: str) -> None:
    assert json.loads(fairlead(pod, "events", "dead-letters", "predictions", "--json").stdout) == []


def test_its_commands_find_what_they_import() -> None:
    program = """
import importlib, pkgutil
import fairlead.admin, fairlead.cli
for package in (fairlead.admin, fairlead.cli):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name.startswith("fairlead.admin.bento"):
            continue
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            print(module.name, error.name)
"""
    # What exports Bentos is for where BentoML is.
    assert python("operator", program) == ""


def test_of_a_service_it_has_how_its_tables_are_made_alone() -> None:
    program = """
import fairlead.services, pathlib
root = pathlib.Path(fairlead.services.__path__[0])
print(*{str(path.parent.relative_to(root)) for path in root.rglob("*.py")})
"""
    assert set(python("operator", program).split()) == {".", *(f"{each}/adapters/migrations" for each in SERVICES)}


def test_it_has_no_library_of_models() -> None:
    libraries = ("numpy", "pandas", "pyarrow", "sklearn", "scipy", "onnxruntime", "bentoml", "duckdb")

    assert (
        python("operator", f"import importlib.util as u; print([x for x in {libraries} if u.find_spec(x)])") == "[]\n"
    )
