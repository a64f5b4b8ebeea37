"""A process that changes deployments is killed anywhere: after the next start state and events agree."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.database import migrate, open_database
from fairlead.kit.events import open_event_log, topics
from services.serving.adapters.deployments.store import SqlDeploymentReader
from services.serving.adapters.log.outbox import Outbox
from services.serving.adapters.tables import MIGRATIONS
from tests.data import ROOT

KILLS = 3

# Changes deployments without end; dies at one place of one change, or when it is killed.
CHANGES = """
import itertools, os, signal, sys
from dataclasses import replace
from datetime import UTC, datetime
from fairlead.kit.database import migrate, open_database
from fairlead.kit.events import open_event_log
from services.serving.adapters.deployments.store import SqlDeploymentStore
from services.serving.adapters.log.outbox import Outbox
from services.serving.adapters.tables import MIGRATIONS
from services.serving.domain.traffic.deployment import Deployment
from services.serving.domain.traffic.split import sole

database_url, events_url, place, change = sys.argv[1:]
passed = 0

def die_at(here):
    global passed
    passed += here == place
    if here == place and passed == int(change):
        os.kill(os.getpid(), signal.SIGKILL)

class DyingOutbox(Outbox):
    def add(self, connection, deployment, event):
        die_at("before the event is stored")
        super().add(connection, deployment, event)
        die_at("before the commit")

class DyingEvents:
    def publish_many(self, topic, drafts):
        die_at("between commit and publishing")
        events.publish_many(topic, drafts)
        die_at("between publishing and noting it")

engine = open_database(database_url, "serving")
migrate(engine, MIGRATIONS)
events = open_event_log(events_url, source="serving")
outbox = DyingOutbox(engine, DyingEvents())
store = SqlDeploymentStore(engine, outbox)
now = datetime(2026, 1, 31, tzinfo=UTC)
run = os.urandom(4).hex()
for number in itertools.count():
    etags = [os.urandom(16).hex() for _ in range(3)]
    traffic = sole("projects/p/models/m/versions/1", "models/p/1")
    first = Deployment("p", f"d-{run}-{number}", traffic, etags[0], now, now)
    second = replace(first, etag=etags[1], traffic=sole("projects/p/models/m/versions/2", "models/p/2"))
    store.insert(first)
    store.update(second, etags[0])
    if number % 2:
        store.delete(second)
    print(number, flush=True)
"""

PLACES = (
    "before the event is stored",
    "before the commit",
    "between commit and publishing",
    "between publishing and noting it",
)


def changing(database_url: str, folder: Path, place: str = "", change: int = 0) -> subprocess.Popen[bytes]:
    arguments = [database_url, f"sqlite:///{folder}/events.db", place, str(change)]
    return subprocess.Popen([sys.executable, "-c", CHANGES, *arguments], cwd=ROOT, stdout=subprocess.PIPE)


def after_a_restart(database_url: str, folder: Path) -> tuple[dict[str, str], dict[str, str], int]:
    """What is deployed by the database and by the events, as etags by name; and how many events repeat another."""
    engine = open_database(database_url, "serving")
    migrate(engine, MIGRATIONS)
    log = open_event_log(f"sqlite:///{folder}/events.db", source="test")
    outbox = Outbox(engine, log)
    assert outbox.publish()
    outbox.close()
    stored = {deployment.name: deployment.etag for deployment in SqlDeploymentReader(engine).all()}
    told: dict[str, str] = {}
    seen: set[str] = set()
    repeated = 0
    for event in log.replay(topics.DEPLOYMENTS):
        if event.id in seen:
            repeated += 1
            continue
        seen.add(event.id)
        change = event.unpack(events_pb2.DeploymentChanged)
        if change.deleted:
            # Told in order: what is deleted was told of before.
            del told[change.deployment.name]
        else:
            told[change.deployment.name] = change.deployment.etag
    log.close()
    engine.dispose()
    return stored, told, repeated


@pytest.mark.parametrize("place", PLACES)
def test_state_and_events_agree_wherever_the_process_dies(database_url: str, tmp_path: Path, place: str) -> None:
    # The fourth change is an update, the fifth a deletion.
    for change in (4, 5):
        process = changing(database_url, tmp_path, place, change)
        assert process.wait(120) == -signal.SIGKILL
        stored, told, repeated = after_a_restart(database_url, tmp_path)
        assert told == stored
        assert len(stored) > 0
    print(f"\n{place}: {len(stored)} deployments agree, {repeated} events repeated")
    assert (repeated > 0) == (place == "between publishing and noting it")


def test_state_and_events_agree_after_kills_at_any_moment(database_url: str, tmp_path: Path) -> None:
    chance = random.Random(4)
    for _ in range(KILLS):
        process = changing(database_url, tmp_path)
        assert process.stdout is not None
        assert process.stdout.readline()
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.wait()
        stored, told, repeated = after_a_restart(database_url, tmp_path)
        assert told == stored
    print(f"\n{KILLS} kills: {len(stored)} deployments agree, {repeated} events repeated")
