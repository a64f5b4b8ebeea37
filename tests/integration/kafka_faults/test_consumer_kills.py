"""Consumers of one group are killed between poll and commit: no event is skipped, and keys keep their order."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import Draft, open_event_log
from fairlead.kit.events.kafka.admin import kafka_admin
from fairlead.kit.events.kafka.options import KafkaOptions, cluster_of
from fairlead.kit.events.topics import TopicSpec
from tests import waiting
from tests.data import ROOT
from tests.servers.kafka import KafkaBroker

TOPIC = "test-consumer-kills"
PARTITIONS, EVENTS, KEYS = 6, 3000, 30
DYING = ("before", "after", "before")
"""Where the first consumers die: before the work of their second batch, or after it and before its commit."""

# Works by writing to a file of its own; dies where it is told to.
CONSUMER = """
import os, signal, sys
from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.kit.events import open_event_log
url, topic, sink, dies = sys.argv[1:]
batches = 0
with open_event_log(url, source="test").subscribe([topic], "group") as subscription, open(sink, "w") as file:
    while True:
        events = subscription.poll(max_events=100)
        batches += bool(events)
        if batches == 2 and dies == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        for event in events:
            print(event.key, event.unpack(AuditEntry).action, file=file)
        file.flush()
        if batches == 2 and dies == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        subscription.commit()
"""


def consumer(url: str, sink: Path, dies: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CONSUMER, url, TOPIC, str(sink), dies], cwd=ROOT)


def worked(sink: Path) -> list[tuple[str, int]]:
    """What a consumer did, as (key, number); a line that is being written is left out."""
    if not sink.exists():
        return []
    lines = sink.read_text().splitlines(keepends=True)
    return [(key, int(number)) for key, number in (line.split() for line in lines if line.endswith("\n"))]


def test_no_event_is_skipped_where_consumers_die_between_poll_and_commit(broker: KafkaBroker, tmp_path: Path) -> None:
    url = f"kafka://{broker.bootstrap}"
    cluster = cluster_of(url, KafkaOptions())
    with kafka_admin(cluster) as admin:
        admin.setup([TopicSpec(TOPIC, PARTITIONS, timedelta(days=1))])
    log = open_event_log(url, source="test")
    log.publish_many(TOPIC, [Draft(f"key-{n % KEYS}", AuditEntry(action=str(n))) for n in range(EVENTS)])
    log.close()
    sinks = [tmp_path / f"{number}.txt" for number in range(len(DYING) + 1)]
    dying = [consumer(url, sink, dies) for sink, dies in zip(sinks, DYING, strict=False)]
    try:
        assert [each.wait(90) for each in dying] == [-signal.SIGKILL] * len(DYING)
    finally:
        for each in dying:
            each.kill()
    last = consumer(url, sinks[-1], "never")
    try:
        wanted = set(range(EVENTS))
        waiting.until(lambda: {number for sink in sinks for _, number in worked(sink)} >= wanted, "every event")
    finally:
        last.terminate()
        last.wait(30)
    times = Counter(number for sink in sinks for _, number in worked(sink))
    print(
        f"\n{len(DYING)} consumers killed between poll and commit: {len(times):,} of {EVENTS:,} events worked on, "
        f"{sum(count > 1 for count in times.values())} of them twice or more"
    )
    assert set(times) == wanted
    assert max(times.values()) > 1
    for sink in sinks:
        for key in {key for key, _ in worked(sink)}:
            of_key = [number for found, number in worked(sink) if found == key]
            assert of_key == sorted(of_key)
