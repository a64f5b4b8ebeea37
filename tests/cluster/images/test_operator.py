"""The operator's image has the commands that work on the back ends themselves, and no service."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.cluster.images.container import RESTRICTED, SERVICES, docker, image_named, python
from tests.servers import guard
from tests.servers.kafka import KafkaBroker
from tests.servers.s3 import S3Server

DATABASES = {*SERVICES, "mlflow", "conductor-steps"}
CONTENT = """
from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit import backends
from fairlead.kit.settings import KitSettings
settings = KitSettings()
backends.blob_store(settings).put_bytes(b"a blob")
log = backends.event_log(settings)
log.publish("fairlead.audit", "key", AuditEntry(action="read"))
log.close()
"""


@pytest.fixture(scope="module")
def pod() -> Iterator[str]:
    """A container that waits for commands, with a Fairlead below its home that has a blob and an event."""
    options = (*RESTRICTED, "--network", "host", "--entrypoint", "sleep")
    pod = docker("run", "--detach", *options, image_named("operator"), "infinity").stdout.strip()
    guard.watch("container", pod)
    try:
        fairlead(pod, "db", "upgrade")
        docker("exec", "--interactive", pod, "python", "-", stdin=CONTENT)
        yield pod
    finally:
        docker("rm", "--force", "--volumes", pod)
        guard.forget("container", pod)


@pytest.fixture(scope="module")
def backup(pod: str) -> str:
    """The folder of a backup of it."""
    fairlead(pod, "backup", "/tmp/backup")
    return "/tmp/backup"


def fairlead(
    pod: str, *arguments: str, environment: Mapping[str, str] | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command in the container: on the embedded back ends where no environment names others."""
    variables = [part for name, value in (environment or {}).items() for part in ("--env", f"{name}={value}")]
    return docker("exec", *variables, pod, "fairlead", *arguments, check=check)


def figures(pod: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Any:
    """Return what a command prints for machines."""
    return json.loads(fairlead(pod, *arguments, "--json", environment=environment).stdout)


def standings(pod: str, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return how the tables of each database are."""
    return {each["service"]: each["state"] for each in figures(pod, "db", "check", environment=environment)}


def test_it_is_the_command() -> None:
    assert docker("run", "--rm", *RESTRICTED, image_named("operator"), "--version").stdout.startswith("fairlead 0.")


def test_without_a_command_it_tells_which_there_are() -> None:
    assert "restore" in docker("run", "--rm", *RESTRICTED, image_named("operator")).stdout


def test_it_makes_and_checks_the_tables_of_every_service_and_engine(pod: str) -> None:
    assert standings(pod) == dict.fromkeys(DATABASES, "up to date")


def test_a_backup_that_it_made_is_whole_and_restores(pod: str, backup: str) -> None:
    verified = figures(pod, "backup", "--verify", backup)
    restored = figures(pod, "restore", backup, environment={"FAIRLEAD_HOME": "/tmp/again"})

    assert (verified["databases"], verified["events"], verified["blobs"]) == (len(DATABASES), 1, 1)
    assert restored == verified
    assert standings(pod, {"FAIRLEAD_HOME": "/tmp/again"}) == dict.fromkeys(DATABASES, "up to date")


def test_it_restores_into_postgresql_kafka_and_s3_and_backs_these_up(
    pod: str, backup: str, kafka_broker: KafkaBroker, postgres_database: str, s3_server: S3Server, s3_bucket: str
) -> None:
    there = {
        "FAIRLEAD_HOME": "/tmp/there",
        "FAIRLEAD_DATABASE_URL": postgres_database,
        "FAIRLEAD_EVENTS_URL": f"kafka://{kafka_broker.bootstrap}",
        "FAIRLEAD_BLOBS_URL": f"s3://{s3_bucket}/fairlead",
        "FAIRLEAD_S3_ENDPOINT_URL": s3_server.endpoint,
        **s3_server.environment,
    }

    first = figures(pod, "restore", backup, environment=there)
    again = figures(pod, "backup", "/tmp/backup-of-there", environment=there)

    counted = ("databases", "rows", "events", "blobs")
    assert {name: again[name] for name in counted} == {name: first[name] for name in counted}
    assert standings(pod, there) == dict.fromkeys(DATABASES, "up to date")
    held = {each["name"]: each["events"] for each in figures(pod, "events", "topics", environment=there)}
    assert held["fairlead.audit"] == 1


def test_a_backup_that_lost_a_file_is_told_apart(pod: str, backup: str) -> None:
    docker("exec", pod, "sh", "-c", f"cp -r {backup} /tmp/damaged && rm $(find /tmp/damaged -name '*.zst' | head -1)")

    done = fairlead(pod, "backup", "--verify", "/tmp/damaged", check=False)

    assert (done.returncode, done.stdout) == (1, "")
    assert "damaged" in done.stderr


def test_the_event_log_can_be_looked_at(pod: str) -> None:
    assert figures(pod, "events", "dead-letters", "predictions") == []


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
