"""What a wave takes: of each partition one batch, in order."""

from __future__ import annotations

from fairlead.kit.errors import Unavailable
from fairlead.kit.events.kafka.lanes import LANE_BYTES, WAVE_BYTES, Lanes, Waiting
from fairlead.kit.events.kafka.records import Record
from fairlead.kit.events.kafka.ticket import Ticket


def record(value: bytes = b"", size: int = 100, topic: str = "t") -> Record:
    return Record(topic, b"", value, [], 0, size)


def lanes_of(*records: tuple[int, Record]) -> Lanes:
    lanes = Lanes()
    for partition, each in records:
        lanes.add(Waiting(each, partition, Ticket([each])))
    return lanes


def values(wave: list[Waiting]) -> list[bytes]:
    return [waiting.record.value for waiting in wave]


def test_a_partition_gives_its_records_in_order() -> None:
    lanes = lanes_of((0, record(b"a")), (1, record(b"x")), (0, record(b"b")))

    assert values(lanes.take_wave()) == [b"a", b"b", b"x"]
    assert not lanes


def test_a_partition_gives_no_more_than_a_batch_at_once() -> None:
    half = LANE_BYTES // 2
    lanes = lanes_of(*((0, record(name, half)) for name in (b"a", b"b", b"c")))

    assert values(lanes.take_wave()) == [b"a", b"b"]
    assert values(lanes.take_wave()) == [b"c"]


def test_a_record_larger_than_a_batch_goes_alone() -> None:
    lanes = lanes_of((0, record(b"a", 3 * LANE_BYTES)), (0, record(b"b")))

    assert values(lanes.take_wave()) == [b"a"]
    assert values(lanes.take_wave()) == [b"b"]


def test_a_busy_partition_does_not_keep_the_others_waiting() -> None:
    busy = [(0, record(b"busy", LANE_BYTES)) for _ in range(50)]
    others = [(number, record(b"other", LANE_BYTES)) for number in range(1, WAVE_BYTES // LANE_BYTES + 5)]
    lanes = lanes_of(*busy, *others)

    first, second = lanes.take_wave(), lanes.take_wave()

    assert values(first + second).count(b"other") == len(others)


def test_topics_have_lanes_of_their_own() -> None:
    lanes = lanes_of((0, record(b"a", LANE_BYTES, "t")), (0, record(b"b", LANE_BYTES, "u")))

    assert values(lanes.take_wave()) == [b"a", b"b"]


def test_what_nobody_waits_for_any_more_is_left_out() -> None:
    lanes = Lanes()
    given_up, waited_for = Ticket([record()]), Ticket([record()])
    lanes.add(Waiting(record(b"late"), 0, given_up))
    lanes.add(Waiting(record(b"now"), 0, waited_for))
    given_up.fail(Unavailable("too slow"))

    assert values(lanes.take_wave()) == [b"now"]


def test_clearing_tells_each_caller_once() -> None:
    ticket = Ticket([record(), record()])
    lanes = Lanes()
    for partition in (0, 1):
        lanes.add(Waiting(record(), partition, ticket))

    assert lanes.clear() == [ticket]
    assert not lanes
