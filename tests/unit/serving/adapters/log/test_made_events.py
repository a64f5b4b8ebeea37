"""Requests of many rows, which the journal holds as the events that are published."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.errors import Unavailable
from fairlead.kit.events import Draft, EventLog, open_event_log, topics
from services.serving.adapters.log.frames import Mark, Record
from services.serving.adapters.log.journal import Journal
from services.serving.adapters.log.losses import Losses
from services.serving.adapters.log.made_events import MADE_ROWS, MadeEvents, encode_made, made_drafts
from services.serving.adapters.log.prediction_log import JournaledPredictionLog
from services.serving.adapters.log.records import batches, describe, encode, encode_head
from services.serving.domain.models.model import Model
from services.serving.domain.models.prediction import Prediction
from services.serving.domain.models.schema import InputColumn, Kind, Schema, TaskType
from services.serving.domain.prediction_log import Origin
from services.serving.domain.requests.columns import Array, Columns
from tests.unit.drift.packed import unpacked

NAME, SECONDS = "projects/p/deployments/d", 1_700_000_000
PERSON = Schema(
    TaskType.BINARY,
    ("no", "yes"),
    (
        InputColumn("work", Kind.TEXT, "work"),
        InputColumn("age", Kind.NUMBER, "age"),
        InputColumn("income", Kind.NUMBER, "income"),
        InputColumn("id", Kind.TEXT, "id"),
        InputColumn("born", Kind.DATETIME, "born"),
    ),
)


class NoRuntime:
    def run(self, columns: Columns) -> Array:
        raise AssertionError("nothing is predicted here")


MODEL = Model("projects/p/models/m/versions/1", PERSON, NoRuntime())
HEAD, ORIGIN = encode_head(NAME, MODEL), Origin(NAME, MODEL.version, PERSON)


def objects(values: Sequence[str]) -> Array:
    return np.fromiter(values, dtype=object, count=len(values))


def people(rows: int) -> Columns:
    every = np.arange(rows, dtype=np.float64)
    return (
        objects([("Private", "")[row % 2] for row in range(rows)]),
        np.where(every % 5 == 0, np.nan, every),
        every / 3,
        objects([f"id-{row}" for row in range(rows)]),
        np.where(every % 7 == 0, np.nan, SECONDS + every // 10),
    )


def answers(rows: int) -> Prediction:
    yes = (np.arange(rows) % 10) / 9
    return Prediction(
        rows, labels=["yes" if p > 0.5 else "no" for p in yes], probabilities=np.column_stack((1 - yes, yes))
    )


def record(rows: int, place: int = 0, name: str = "a") -> Record:
    body = encode_made(HEAD, ORIGIN, name, 7, people(rows), answers(rows))
    return Record(place, Mark(NAME, rows, 7), body)


def made(rows: int) -> MadeEvents:
    (found,) = batches([record(rows, place=3)], 10, 10, lambda _: pytest.fail("damaged"))
    assert isinstance(found, MadeEvents)
    return found


def test_a_record_holds_every_value_of_the_request() -> None:
    rows = MADE_ROWS
    (event,) = made(rows).events
    (request,) = event.requests
    assert (request.request_id, request.row_count, request.first_row, request.time.nanos) == ("a", rows, 0, 7)
    assert (event.deployment, event.model_version, list(event.classes)) == (NAME, MODEL.version, ["no", "yes"])
    read = {column.name: column for column in unpacked(event).inputs}
    work, age, income, identity, _ = people(rows)
    assert list(read["work"].texts.values) == work.tolist()
    assert list(read["id"].texts.values) == identity.tolist()
    assert np.array_equal(read["age"].numbers.values, age, equal_nan=True)
    assert list(read["income"].numbers.values) == income.tolist()
    assert list(read["born"].texts.values)[:2] == ["", "2023-11-14T22:13:20Z"]
    prediction = answers(rows)
    assert list(unpacked(event).prediction.texts.values) == prediction.labels
    assert prediction.probabilities is not None
    assert list(event.probabilities) == prediction.probabilities.ravel().tolist()


def test_texts_and_whole_numbers_that_repeat_take_few_bytes() -> None:
    (event,) = made(1000).events
    assert {column.name for column in event.packed_inputs} == {"work", "age", "born"}
    assert {column.name for column in event.inputs} == {"income", "id"}


def test_more_than_a_broker_takes_is_several_events_of_one_request() -> None:
    parts = made(20_000).events
    assert len(parts) > 1
    assert max(part.ByteSize() for part in parts) < 800_000
    starts, rows = [part.requests[0].first_row for part in parts], [part.requests[0].row_count for part in parts]
    assert starts == [sum(rows[:index]) for index in range(len(rows))]
    ids = [text for part in parts for column in part.inputs if column.name == "id" for text in column.texts.values]
    assert ids == people(20_000)[3].tolist()


def test_the_same_rows_of_a_segment_have_the_same_event_id_and_others_another() -> None:
    segment, other = uuid.uuid4(), uuid.uuid4()
    ids = [draft.id for draft in made_drafts(segment, made(20_000))]
    assert ids == [draft.id for draft in made_drafts(segment, made(20_000))]
    assert len({*ids, *(draft.id for draft in made_drafts(other, made(20_000)))}) == 2 * len(ids)


def test_requests_of_a_deployment_keep_their_order_whatever_their_size() -> None:
    one = tuple(column[:1] for column in people(1))
    single = [
        Record(place, Mark(NAME, 1, 7), encode(HEAD, name, 7, one, answers(1))) for place, name in ((0, "0"), (2, "2"))
    ]
    found = list(batches([single[0], record(300, 1, "1"), single[1]], 100, 1 << 20, lambda _: pytest.fail("damaged")))
    order = [each.events[0] if isinstance(each, MadeEvents) else each for each in found]
    assert [each.requests[0].request_id for each in order] == ["0", "1", "2"]


@pytest.mark.parametrize("cut", [-1, -40_000])
def test_a_record_that_is_not_whole_is_damaged_and_holds_up_nothing(cut: int) -> None:
    whole = record(1000)
    damaged: list[Record] = []
    torn = whole._replace(body=whole.body[:cut])
    assert len(list(batches([torn, whole], 10, 10, damaged.append))) == 1
    assert damaged == [torn]


class Away:
    """An event log that takes nothing."""

    def publish_many(self, topic: str, drafts: Sequence[Draft]) -> None:
        raise Unavailable("the broker is away")


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventLog]:
    log = open_event_log(f"sqlite:///{tmp_path}/events.db", source="serving")
    yield log
    log.close()


def keep(folder: Path, events: object, *rows: int) -> None:
    """Append requests of so many rows, and end."""
    journal = Journal(folder / "journal", max_bytes=1 << 26, describe=describe)
    log = JournaledPredictionLog(journal, Losses(folder / "losses.json"), events)  # type: ignore[arg-type]
    for number, count in enumerate(rows):
        log.append(NAME, MODEL, str(number), people(count), answers(count), 7)
    log.close()


def test_what_waited_on_disk_is_published_after_a_restart_and_again_under_the_same_ids(
    tmp_path: Path, events: EventLog
) -> None:
    keep(tmp_path, Away(), 1000, 2, 1000)
    shutil.copytree(tmp_path / "journal", tmp_path / "kept")
    keep(tmp_path, events)
    shutil.copytree(tmp_path / "kept", tmp_path / "journal", dirs_exist_ok=True)
    keep(tmp_path, events)
    published = list(events.replay(topics.PREDICTIONS))
    told = [[r.request_id for r in event.unpack(events_pb2.PredictionBatch).requests] for event in published]
    assert told == [["0"], ["1"], ["2"]] * 2
    assert [event.id for event in published[:3]] == [event.id for event in published[3:]]
    assert list((tmp_path / "journal").iterdir()) == []
