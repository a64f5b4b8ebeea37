"""The servers that other tests stand on: they answer, can be told apart, and outlive no test run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from tests.data import ROOT
from tests.servers.kafka import KafkaBroker
from tests.servers.ladder import PICK, NoServer, NotHere, climb
from tests.servers.s3 import S3Server


def make_topic(bootstrap: str, name: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    admin.close()


def send(bootstrap: str, topic: str, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for value in values:
        producer.send(topic, value)
    producer.flush()
    producer.close()


def read(bootstrap: str, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=3_000
    )
    values = [record.value for record in consumer]
    consumer.close()
    return values


def test_a_shared_broker_keeps_records(kafka_bootstrap: str, topic_prefix: str) -> None:
    make_topic(kafka_bootstrap, topic_prefix)

    send(kafka_bootstrap, topic_prefix, b"one", b"two")

    assert read(kafka_bootstrap, topic_prefix) == [b"one", b"two"]


def test_a_broker_of_ones_own_can_be_killed_and_comes_back_with_its_records(kafka_broker: KafkaBroker) -> None:
    before = kafka_broker.bootstrap
    make_topic(before, "kept")
    send(before, "kept", b"one")

    kafka_broker.kill()
    kafka_broker.start()
    send(before, "kept", b"two")

    assert kafka_broker.bootstrap == before
    assert read(before, "kept") == [b"one", b"two"]


def test_a_database_of_ones_own_is_empty_and_apart_from_the_shared_one(
    postgres_url: str, postgres_database: str
) -> None:
    with psycopg.connect(postgres_database) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        (own,) = connection.execute("SELECT current_database()").fetchone() or ("",)

    assert tables == (0,)
    assert not postgres_url.endswith(f"/{own}")


def test_a_bucket_of_ones_own_keeps_objects_under_the_keys_of_the_environment(
    s3_server: S3Server, s3_bucket: str
) -> None:
    import boto3

    client = boto3.client("s3", endpoint_url=s3_server.endpoint)
    client.put_object(Bucket=s3_bucket, Key="a/b", Body=b"content")

    assert client.get_object(Bucket=s3_bucket, Key="a/b")["Body"].read() == b"content"


def test_what_a_killed_test_run_started_ends() -> None:
    program = (
        "from tests.servers.process import Account, ProcessServer\n"
        "import time\n"
        "folder = Account().new_folder('sleeper')\n"
        "server = ProcessServer(['sleep', '600'], folder)\n"
        "server.start()\n"
        "print(server._process.pid, folder, flush=True)\n"
        "time.sleep(600)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert run.stdout is not None
    pid, folder = run.stdout.readline().split()

    run.send_signal(signal.SIGKILL)
    run.wait()

    deadline = time.monotonic() + 20
    while psutil.pid_exists(int(pid)) or os.path.exists(folder):  # noqa: PTH110
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_that_can_not_be_had_is_a_failure_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PICK, "auto")

    def missing(reason: str):
        def start() -> None:
            raise NotHere(reason)

        return start

    with pytest.raises(NoServer) as failed:
        climb("PostgreSQL", "DATABASE_URL", missing("no Docker engine answers"), missing("no program 'initdb'"))

    assert "as a container: no Docker engine answers" in str(failed.value)
    assert "as a process: no program 'initdb'" in str(failed.value)
    assert "DATABASE_URL" in str(failed.value)


def test_a_picked_way_is_the_only_one_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PICK, "process")

    assert climb("a thing", "THING_URL", lambda: "container", lambda: "process") == "process"
