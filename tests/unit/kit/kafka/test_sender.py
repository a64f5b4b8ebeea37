"""What a publisher's calls wait for, and what ends its thread: nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fairlead.kit.errors import FailedPrecondition, Unavailable
from fairlead.kit.events.kafka.options import Cluster
from fairlead.kit.events.kafka.partitions import PartitionTable
from fairlead.kit.events.kafka.records import Record
from fairlead.kit.events.kafka.sender import MAX_WAITING_BYTES, MAX_WAITING_RECORDS, Sender
from fairlead.kit.events.kafka.sizes import MAX_RECORD_BYTES
from tests.ports import free_port
from tests.waiting import until

VALUE = bytes(MAX_RECORD_BYTES)


def record(size: int) -> Record:
    return Record("t", b"k", VALUE[:size], [], 0, size)


class Partitions(PartitionTable):
    """Answers once it may, then as it is told."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self.may_answer = threading.Event()
        self.failures: list[BaseException] = []

    def of(self, topic: str, key: bytes) -> int:
        self.may_answer.wait()
        if self.failures:
            raise self.failures.pop(0)
        return 0


@pytest.fixture
def cluster() -> Cluster:
    """Brokers that are away."""
    return Cluster((f"127.0.0.1:{free_port()}",))


@pytest.fixture
def partitions(cluster: Cluster) -> Partitions:
    return Partitions(cluster)


@pytest.fixture
def sender(cluster: Cluster, partitions: Partitions) -> Iterator[Sender]:
    sender = Sender(cluster, partitions)
    yield sender
    partitions.may_answer.set()
    sender.close()


@pytest.mark.parametrize(
    ("calls", "of_each"),
    [
        (MAX_WAITING_BYTES // MAX_RECORD_BYTES, [record(MAX_RECORD_BYTES)]),
        (5, [record(100)] * (MAX_WAITING_RECORDS // 5)),
    ],
    ids=["bytes", "records"],
)
def test_no_more_waits_in_memory_than_the_cap_however_many_publish(
    sender: Sender, calls: int, of_each: list[Record]
) -> None:
    with ThreadPoolExecutor(calls + 1) as publishers:
        waiting = [publishers.submit(sender.send, of_each) for _ in range(calls)]
        records = calls * len(of_each)
        until(lambda: sender._waiting_records == records, "all calls that fit")
        one_more = publishers.submit(sender.send, [record(1000)])
        most_bytes = most_records = 0
        while not one_more.done():
            most_bytes, most_records = (
                max(most_bytes, sender._waiting_bytes),
                max(most_records, sender._waiting_records),
            )
    assert (most_bytes, most_records) == (sum(each.size for each in of_each) * calls, records)
    for call in (*waiting, one_more):
        with pytest.raises(Unavailable, match="did not acknowledge"):
            call.result()


def test_a_connection_that_can_not_be_closed_does_not_end_the_thread(sender: Sender, partitions: Partitions) -> None:
    partitions.may_answer.set()
    # Neither sends nor closes.
    sender._producer = object()
    with pytest.raises(Unavailable, match="AttributeError"):
        sender.send([record(100)])
    thread = sender._thread

    def tries_to_connect() -> bool:
        with pytest.raises(Unavailable) as caught:
            sender.send([record(100)])
        return "the connection of a publisher" in str(caught.value)

    until(tries_to_connect, "an attempt with a new producer")
    assert sender._thread is thread


# The thread dies of what the test has it meet.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_all_the_same_is_followed_by_another(sender: Sender, partitions: Partitions) -> None:
    partitions.may_answer.set()
    partitions.failures = [SystemExit(), FailedPrecondition("as a test")]
    with pytest.raises(Unavailable, match="did not acknowledge"):
        sender.send([record(100)])

    with pytest.raises(FailedPrecondition, match="as a test"):
        sender.send([record(100)])
