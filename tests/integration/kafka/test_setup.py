"""`fairlead events`: topics, lags and dead letters on a broker."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from fairlead.admin import events
from fairlead.api.events.v1.events_pb2 import AuditEntry
from fairlead.api.tasks.v1.task_pb2 import LogLine
from fairlead.cli.main import app
from fairlead.kit import backends
from fairlead.kit.errors import InvalidArgument, Unavailable
from fairlead.kit.events import topics
from fairlead.kit.events.kafka.admin import kafka_admin
from fairlead.kit.events.kafka.options import Cluster
from fairlead.kit.events.kafka.sizes import MAX_BATCH_BYTES, MAX_RECORD_BYTES
from fairlead.kit.events.topics import SPECS
from fairlead.kit.settings import KitSettings
from tests.integration.kafka.topics import make_topic
from tests.ports import free_port
from tests.servers.kafka import KafkaBroker
from tests.waiting import until


@pytest.fixture
def settings(kafka_broker: KafkaBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KitSettings:
    """Settings for a broker without our topics, which the commands read from the environment."""
    admin = KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)
    if made := [name for name in admin.list_topics() if name.startswith("fairlead.")]:
        admin.delete_topics(made)
        until(lambda: not set(made) & set(admin.list_topics()), "the end of the topics")
    admin.close()
    monkeypatch.setenv("FAIRLEAD_EVENTS_URL", f"kafka://{kafka_broker.bootstrap}")
    monkeypatch.setenv("FAIRLEAD_HOME", str(tmp_path))
    return KitSettings()


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        app(arguments)
    return int(ended.value.code or 0)


def setting(bootstrap: str, topic: str, name: str) -> str:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    admin.close()
    return str(found["topic"][topic][name]["value"])


def test_topics_are_made_as_declared_and_a_second_time_nothing_is_done(
    settings: KitSettings, kafka_broker: KafkaBroker
) -> None:
    first, second = events.setup(settings), events.setup(settings)

    assert [plan.name for plan in first] == [spec.name for spec in SPECS]
    assert {plan.note for plan in first} == {"made"}
    assert {plan.note for plan in second} == {"was there"}
    sizes = {size.name: size.partitions for size in events.topic_sizes(settings)}
    assert sizes == {spec.name: spec.partitions for spec in SPECS}
    assert setting(kafka_broker.bootstrap, topics.TASKS, "retention.ms") == str(7 * 86_400_000)


def test_a_topic_that_differs_keeps_its_partitions_and_gets_the_declared_retention(
    settings: KitSettings, kafka_broker: KafkaBroker
) -> None:
    make_topic(kafka_broker.bootstrap, topics.TASKS, 2, retention_ms="1000000", max_message_bytes="2000000")

    (plan,) = [plan for plan in events.setup(settings) if plan.name == topics.TASKS]

    assert plan.partitions == 2
    assert "has 2 partitions, 6 are declared" in plan.note
    assert "retention was" in plan.note
    assert f"max.message.bytes was 2000000, is {MAX_BATCH_BYTES} now" in plan.note
    # The controller has it when `setup` returns, the brokers a moment later.
    week = str(7 * 86_400_000)
    until(lambda: setting(kafka_broker.bootstrap, topics.TASKS, "retention.ms") == week, "the new retention")


def test_the_largest_event_that_is_taken_fits_each_topic_and_is_read_again(settings: KitSettings) -> None:
    events.setup(settings)
    log = backends.event_log(settings, spool=False)
    # Random, as it would otherwise be small once it is compressed.
    largest = LogLine(message=os.urandom(MAX_RECORD_BYTES // 2 - 300).hex())
    for topic in (topics.LOGS, topics.dead_letter(topics.LOGS)):
        log.publish(topic, "key", largest)
        (event,) = log.replay(topic)
        assert event.unpack(LogLine) == largest
    (event,) = log.replay(topics.LOGS)
    with pytest.raises(InvalidArgument, match="are the most"):
        log.publish(topics.LOGS, "key", LogLine(message=largest.message + "x" * 600))
    log.close()


def test_topics_of_other_replicas_than_wanted_are_told(settings: KitSettings) -> None:
    events.setup(settings)

    plans = events.setup(settings.model_copy(update={"kafka_replication_factor": 2}))

    assert all("has 1 replicas, FAIRLEAD_KAFKA_REPLICATION_FACTOR says 2" in plan.note for plan in plans)


def test_too_many_replicas_are_told(settings: KitSettings) -> None:
    with pytest.raises(Unavailable, match=r"(?i)replication"):
        events.setup(settings.model_copy(update={"kafka_replication_factor": 3}))


def test_the_commands_show_topics_lags_and_dead_letters(
    settings: KitSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("events", "setup") == 0
    log = backends.event_log(settings, spool=False)
    for number in range(3):
        log.publish(topics.AUDIT, "key", AuditEntry(action=str(number)), id=f"id-{number}")
    with log.subscribe([topics.AUDIT], "readers") as subscription:
        got = []
        while not got:
            got = subscription.poll(max_events=1)
        log.reject(got[0], "no such actor", "readers")
        subscription.commit()
    log.close()
    capsys.readouterr()

    assert run("events", "dead-letters", "audit", "--json") == 0
    (letter,) = json.loads(capsys.readouterr().out)
    assert (letter["id"], letter["reason"], letter["group"]) == ("id-0", "no such actor", "readers")

    assert run("events", "lag", "--json") == 0
    (lag,) = json.loads(capsys.readouterr().out)
    assert (lag["group"], lag["topic"], lag["lag"]) == ("readers", topics.AUDIT, 2)

    assert run("events", "topics") == 0
    assert topics.AUDIT in capsys.readouterr().out


def test_a_broker_that_is_not_there_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAIRLEAD_EVENTS_URL", f"kafka://127.0.0.1:{free_port()}")

    assert run("events", "setup") == 1

    assert "see that a broker runs there" in capsys.readouterr().err


def test_on_sqlite_nothing_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FAIRLEAD_EVENTS_URL", raising=False)
    monkeypatch.setenv("FAIRLEAD_HOME", str(tmp_path))

    assert run("events", "setup") == 0

    assert "Nothing to do" in capsys.readouterr().out


def test_groups_and_topics_of_others_do_no_harm(kafka_bootstrap: str, topic_prefix: str) -> None:
    make_topic(kafka_bootstrap, topic_prefix)

    with kafka_admin(Cluster((kafka_bootstrap,))) as admin:
        assert [size.name for size in admin.sizes([topic_prefix, f"{topic_prefix}-absent"])] == [topic_prefix]
        assert isinstance(admin.lags(), list)
