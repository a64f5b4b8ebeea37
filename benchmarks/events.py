"""How fast events are published and consumed: on SQLite and on Kafka, in records and in predictions a second.

Peers in the same run, on the same broker and with the same promises (idempotent, acks=all, zstd): plain kafka-python,
and confluent-kafka (librdkafka). A record is a task's log line of about 200 bytes, or a PredictionBatch of 256 rows.
The broker is the one in KAFKA_BOOTSTRAP_SERVERS, or one started for the run.
"""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Consumer, Producer
from google.protobuf.message import Message
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient

from fairlead.api.common.v1.table_pb2 import Column
from fairlead.api.events.v1.events_pb2 import PredictionBatch, PredictionRequest
from fairlead.api.tasks.v1.task_pb2 import LogLine
from fairlead.kit.events import Draft, EventLog, open_event_log
from fairlead.kit.events.cloud_events import seal
from fairlead.kit.events.kafka.records import Record, record_of
from tests.servers.kafka import Kafka

ROWS = 256
PARTITIONS = 6
THREADS = 16
KEYS = 60


@dataclass(frozen=True)
class Load:
    """What is published: so many messages, each worth so many predictions."""

    name: str
    messages: Sequence[Message]
    predictions: int

    def drafts(self) -> list[Draft]:
        return [Draft(f"key-{number % KEYS}", message) for number, message in enumerate(self.messages)]


@dataclass(frozen=True)
class Rate:
    """Records a second, of publishing and of consuming."""

    publish: float
    consume: float


def log_line(number: int) -> Message:
    """Return a log line of about 200 bytes."""
    return LogLine(task=f"projects/default/tasks/{number:032x}", source="prepare.impute", message="x" * 130)


def prediction_batch(number: int) -> Message:
    """Return 256 predictions of a model with ten numeric inputs and two classes."""
    random = np.random.default_rng(number)
    batch = PredictionBatch(deployment="projects/default/deployments/churn", model_version="3", classes=["no", "yes"])
    batch.requests.extend(PredictionRequest(request_id=str(uuid.uuid4()), row_count=1) for _ in range(ROWS))
    batch.inputs.extend(Column(name=f"x{n}", numbers={"values": random.normal(size=ROWS)}) for n in range(10))
    batch.prediction.CopyFrom(Column(name="prediction", texts={"values": ["no", "yes"] * (ROWS // 2)}))
    share = random.uniform(size=ROWS)
    batch.probabilities.extend(np.stack([share, 1 - share], axis=1).ravel())
    return batch


def rate(count: int, work: Callable[[], object]) -> float:
    """Return how many a second."""
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def through_port(log: EventLog, topic: str, load: Load) -> Rate:
    """Publish by publish_many and consume with a group, as services do."""
    drafts = load.drafts()
    published = rate(len(drafts), lambda: log.publish_many(topic, drafts))
    return Rate(published, rate(len(drafts), lambda: drain(log, topic, len(drafts))))


def drain(log: EventLog, topic: str, count: int) -> None:
    """Consume and commit so many events."""
    with log.subscribe([topic], f"bench-{uuid.uuid4().hex}") as subscription:
        while count > 0:
            count -= len(subscription.poll(timeout=1.0))
            subscription.commit()


def one_by_one(log: EventLog, topic: str, load: Load) -> float:
    """Return the rate of many threads that each publish one event at a time, each waiting for its own."""
    parts = [load.drafts()[start::THREADS] for start in range(THREADS)]

    def work(part: list[Draft]) -> None:
        for draft in part:
            log.publish(topic, draft.key, draft.message)

    with ThreadPoolExecutor(THREADS) as pool:
        return rate(len(load.messages), lambda: list(pool.map(work, parts)))


def records_of(topic: str, load: Load) -> list[Record]:
    """Return what the peers publish: the same keys, payloads and headers, made in their time too."""
    return [record_of(topic, seal(draft, "bench", {})) for draft in load.drafts()]


def through_kafka_python(bootstrap: str, topic: str, load: Load) -> Rate:
    """Publish and consume with kafka-python as it comes."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        compression_type="zstd",
        linger_ms=20,
        batch_size=262_144,
    )

    def publish() -> None:
        futures = [producer.send(topic, record.value, record.key, record.headers) for record in records_of(topic, load)]
        producer.flush()
        assert all(future.succeeded() for future in futures)

    published = rate(len(load.messages), publish)
    producer.close()

    def consume() -> None:
        consumer = KafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            group_id=f"bench-{uuid.uuid4().hex}",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        left = len(load.messages)
        while left > 0:
            found = consumer.poll(timeout_ms=1000)
            left -= sum(len(records) for records in found.values())
            consumer.commit()
        consumer.close()

    return Rate(published, rate(len(load.messages), consume))


def through_confluent(bootstrap: str, topic: str, load: Load) -> Rate:
    """Publish and consume with confluent-kafka."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "compression.type": "zstd",
            "linger.ms": 20,
            "queue.buffering.max.messages": 1_000_000,
            "partitioner": "murmur2_random",
        }
    )
    failed: list[object] = []

    def publish() -> None:
        for record in records_of(topic, load):
            producer.produce(
                topic,
                record.value,
                record.key,
                headers=record.headers,
                on_delivery=lambda error, _: failed.append(error) if error else None,
            )
            producer.poll(0)
        producer.flush()
        assert not failed

    published = rate(len(load.messages), publish)

    def consume() -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"bench-{uuid.uuid4().hex}",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        consumer.subscribe([topic])
        left = len(load.messages)
        while left > 0:
            found = consumer.consume(500, 1.0)
            left -= sum(message.error() is None for message in found)
            if found:
                consumer.commit(asynchronous=False)
        consumer.close()

    return Rate(published, rate(len(load.messages), consume))


def new_topic(bootstrap: str) -> str:
    """Make a topic and return its name."""
    name = f"bench-{uuid.uuid4().hex[:12]}"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics({name: {"num_partitions": PARTITIONS}}, wait_for_metadata=True)
    admin.close()
    return name


def show(name: str, load: Load, rates: dict[str, Rate]) -> None:
    """Print the rates of a load, and each as a share of the peers'."""
    size = sum(message.ByteSize() for message in load.messages) / len(load.messages)
    print(f"\n{name}: {len(load.messages):,} records of {size:,.0f} bytes")
    for what in ("publish", "consume"):
        ours = {label: getattr(each, what) for label, each in rates.items()}
        for label, value in ours.items():
            predictions = f", {value * load.predictions:>12,.0f} predictions/s" if load.predictions else ""
            shares = ", ".join(
                f"{value / ours[peer]:.2f} x {peer}" for peer in ("kafka-python", "confluent-kafka") if peer != label
            )
            print(f"  {what:<8} {label:<16} {value:>10,.0f} records/s{predictions}   {shares}")


def run(bootstrap: str, folder: str, load: Load) -> None:
    """Measure all on one load."""
    with ExitStack() as stack:
        kafka = open_event_log(f"kafka://{bootstrap}", source="bench")
        sqlite = open_event_log(f"sqlite:///{folder}/{load.name.replace(' ', '-')}.db", source="bench")
        for log in (kafka, sqlite):
            stack.callback(log.close)
        # Connections are made once in the life of a service.
        warm = new_topic(bootstrap)
        kafka.publish(warm, "key", load.messages[0])
        rates = {
            "sqlite": through_port(sqlite, "bench", load),
            "kafka": through_port(kafka, new_topic(bootstrap), load),
            "kafka-python": through_kafka_python(bootstrap, new_topic(bootstrap), load),
            "confluent-kafka": through_confluent(bootstrap, new_topic(bootstrap), load),
        }
        show(load.name, load, rates)
        few = Load(load.name, load.messages[: len(load.messages) // 10], load.predictions)
        for name, log, topic in (("sqlite", sqlite, "single"), ("kafka", kafka, warm)):
            value = one_by_one(log, topic, few)
            predictions = f", {value * load.predictions:,.0f} predictions/s" if load.predictions else ""
            print(f"  {THREADS} threads, one event a call: {name:<8} {value:>10,.0f} records/s{predictions}")


def main() -> None:
    """Print the rates."""
    kafka = Kafka()
    try:
        with tempfile.TemporaryDirectory() as folder:
            run(kafka.bootstrap, folder, Load("log lines", [log_line(number) for number in range(20_000)], 0))
            batches = [prediction_batch(number) for number in range(50)] * 40
            run(kafka.bootstrap, folder, Load("prediction batches", batches, ROWS))
    finally:
        kafka.close()


if __name__ == "__main__":
    main()
