"""`python -m fairlead.kit.events.setup`, which makes the topics before the services start."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
)

from fairlead.kit.errors import Unavailable
from fairlead.kit.events.setup import setup_once_there
from fairlead.kit.events.topics import SPECS
from fairlead.kit.settings import KitSettings
from tests.data import ROOT
from tests.ports import free_port
from tests.servers.kafka import KafkaBroker
from tests.waiting import PATIENCE_SECONDS

GUARDED = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


@pytest.fixture(scope="module")
def guarded_broker() -> Iterator[KafkaBroker]:
    """A broker that lets our topics to somebody else alone."""
    with KafkaBroker(GUARDED) as broker:
        ours = ResourcePattern(ResourceType.TOPIC, "fairlead.", ACLResourcePatternType.PREFIXED)
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        admin.create_acls([ACL("User:somebody", "*", ACLOperation.ALL, ACLPermissionType.ALLOW, ours)])
        admin.close()
        yield broker


@contextmanager
def started(broker: KafkaBroker, home: Path) -> Iterator[subprocess.Popen[str]]:
    """Run it as a container does: all that it knows is in the environment."""
    environment = {"FAIRLEAD_HOME": str(home), "FAIRLEAD_EVENTS_URL": f"kafka://{broker.bootstrap}"}
    command = [sys.executable, "-m", "fairlead.kit.events.setup"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, list[dict[str, Any]]]:
    """Return its exit status and its log."""
    _, log = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, [json.loads(line) for line in log.splitlines()]


def test_it_waits_for_a_broker_then_makes_the_topics_and_says_so(kafka_broker: KafkaBroker, tmp_path: Path) -> None:
    kafka_broker.stop()
    with started(kafka_broker, tmp_path) as process:
        assert process.stderr is not None
        first = json.loads(process.stderr.readline())
        kafka_broker.start()
        status, log = ended(process)

    assert (first["event"], status) == ("waiting", 0)
    assert "see that a broker runs there" in first["why"]
    made = [(line["topic"], line["partitions"]) for line in log if line["event"] == "made"]
    assert made == [(spec.name, spec.partitions) for spec in SPECS]


def test_a_second_time_it_finds_nothing_to_do(kafka_broker: KafkaBroker, tmp_path: Path) -> None:
    for _ in range(2):
        with started(kafka_broker, tmp_path) as process:
            status, log = ended(process)

    assert status == 0
    assert [(line["event"], line["topic"]) for line in log] == [("was there", spec.name) for spec in SPECS]


def test_where_it_may_not_it_ends_and_says_what_to_look_at(guarded_broker: KafkaBroker, tmp_path: Path) -> None:
    with started(guarded_broker, tmp_path) as process:
        status, (line,) = ended(process)

    assert status == 1
    assert (line["level"], line["event"]) == ("error", "the topics are not made")
    assert "refused administration of its topics" in line["why"]
    assert "FAIRLEAD_KAFKA_* settings and its ACLs" in line["why"]


def test_its_patience_ends(tmp_path: Path) -> None:
    settings = KitSettings(home=tmp_path, events_url=f"kafka://127.0.0.1:{free_port()}")

    with pytest.raises(Unavailable, match="see that a broker runs there"):
        setup_once_there(settings, wait_seconds=0)
