"""Records of answered requests, gathered to batches."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Sequence

import numpy as np
import pytest

from fairlead.api.events.v1 import events_pb2
from services.serving.adapters.log.frames import Mark, Record
from services.serving.adapters.log.origins import Origins
from services.serving.adapters.log.prediction_events import to_drafts
from services.serving.adapters.log.records import batches, describe, encode, encode_head
from services.serving.domain.models.model import Model
from services.serving.domain.models.prediction import Prediction
from services.serving.domain.models.schema import InputColumn, Kind, Schema, TaskType
from services.serving.domain.prediction_log import PredictionBatch
from services.serving.domain.requests.columns import Columns

from ...schemas import numbers, texts

PERSON = Schema(
    TaskType.BINARY,
    ("no", "yes"),
    (
        InputColumn("work", Kind.TEXT, "work"),
        InputColumn("age", Kind.NUMBER, "age"),
        InputColumn("town", Kind.TEXT, "town"),
        InputColumn("born", Kind.DATETIME, "born"),
    ),
)


class NoRuntime:
    def run(self, columns: Columns) -> np.ndarray:
        raise AssertionError("nothing is predicted here")


MODEL = Model("projects/p/models/m/versions/1", PERSON, NoRuntime())
HEAD = encode_head("projects/p/deployments/d", MODEL)


def head_of(deployment: str) -> bytes:
    """A head without its length."""
    return encode_head(deployment, MODEL)[4:]


def columns(*rows: tuple[str, float, str, float]) -> Columns:
    work, age, town, born = zip(*rows, strict=True)
    return texts(*work), numbers(age), texts(*town), numbers(born)


def prediction(*labels: str) -> Prediction:
    yes = np.array([float(label == "yes") for label in labels])
    return Prediction(len(labels), labels=list(labels), probabilities=np.column_stack([1 - yes, yes]))


def by_column(request_id: str, values: Columns, answer: Prediction) -> bytes:
    """A record as this service wrote them before."""
    assert answer.probabilities is not None
    each = [value.tolist() if value.dtype == object else value.tobytes() for value in values]
    return HEAD + pickle.dumps((request_id, 7, answer.rows, each, answer.labels, answer.probabilities.tobytes()), 5)


def gathered(records: Sequence[bytes], max_rows: int = 100, max_bytes: int = 1 << 20) -> list[PredictionBatch]:
    found = [Record(place, describe(record), record) for place, record in enumerate(records)]
    unreadable: list[Record] = []
    result = list(batches(found, max_rows, max_bytes, unreadable.append))
    assert unreadable == []
    return [batch for batch in result if isinstance(batch, PredictionBatch)]


ONE, TWO = ("a", 1.0, "x", 10.0), ("b", 2.0, "y", 20.0)
THREE = ("c", np.nan, "", 30.0)


def test_rows_of_single_requests_and_of_larger_ones_lie_in_order() -> None:
    single = [encode(HEAD, name, 7, columns(row), prediction("yes")) for name, row in (("1", ONE), ("2", TWO))]
    larger = encode(HEAD, "3", 7, columns(THREE, ONE), prediction("no", "yes"))
    for records, expected in ((single, (ONE, TWO)), ([*single, larger], (ONE, TWO, THREE, ONE))):
        (batch,) = gathered(records)
        for found, values in zip(batch.columns, zip(*expected, strict=True), strict=True):
            np.testing.assert_array_equal(list(found), list(values))
        assert batch.rows == len(expected)
    assert list(batch.labels) == ["yes", "yes", "no", "yes"]
    np.testing.assert_array_equal(batch.outputs, [[0, 1], [0, 1], [1, 0], [0, 1]])
    assert [(request.request_id, request.rows) for request in batch.requests] == [("1", 1), ("2", 1), ("3", 2)]


def test_records_of_earlier_versions_are_read_beside_new_ones() -> None:
    old = by_column("old", columns(ONE, THREE), prediction("no", "yes"))
    new = encode(HEAD, "new", 7, columns(TWO), prediction("yes"))
    (batch,) = gathered([old, new])
    assert [request.request_id for request in batch.requests] == ["old", "new"]
    assert [list(column) for column in batch.columns[::2]] == [["a", "c", "b"], ["x", "", "y"]]
    np.testing.assert_array_equal(batch.columns[1], [1, np.nan, 2])


def test_a_batch_is_halved_by_requests_and_a_request_by_rows() -> None:
    records = [encode(HEAD, str(n), 7, columns(ONE, TWO, THREE), prediction("no", "yes", "no")) for n in range(2)]
    (batch,) = gathered(records)
    first, second = batch.halves()
    assert [request.request_id for request in (*first.requests, *second.requests)] == ["0", "1"]
    assert list(first.columns[0]) == list(second.columns[0]) == ["a", "b", "c"]
    head, rest = second.halves()
    assert [(part.first_row, part.rows) for part in (*head.requests, *rest.requests)] == [(0, 1), (1, 2)]
    assert (list(head.columns[0]), list(rest.labels), rest.outputs.shape) == (["a"], ["yes", "no"], (2, 2))


def test_a_batch_ends_before_it_has_too_many_rows() -> None:
    records = [encode(HEAD, str(n), 7, columns(ONE, TWO), prediction("no", "yes")) for n in range(5)]
    assert [batch.rows for batch in gathered(records, max_rows=4)] == [4, 4, 2]


@pytest.mark.parametrize("fault", ["numbers", "texts", "labels"])
def test_a_record_that_has_not_what_its_head_tells_is_damaged(fault: str) -> None:
    values, labels = columns(ONE), prediction("yes")
    if fault == "labels":
        labels = Prediction(1, labels=["yes", "no"], probabilities=labels.probabilities)
    else:
        values = tuple(value for value in values if (value.dtype == object) == (fault == "numbers"))
    record = encode(HEAD, "odd", 7, values, labels)
    damaged: list[Record] = []
    assert list(batches([Record(0, describe(record), record)], 10, 10_000, damaged.append)) == []
    assert len(damaged) == 1


def test_what_heads_tell_is_read_once_and_forgotten_beyond_a_size() -> None:
    origins, heads = Origins(most_bytes=2 * len(HEAD)), [head_of(f"d{number}") for number in range(3)]
    first, second = origins.of(heads[0]), origins.of(heads[1])
    assert (first.deployment, first.schema, second.deployment) == ("d0", PERSON, "d1")
    assert origins.of(bytes(bytearray(heads[0]))) is first
    assert origins.of(heads[2]).deployment == "d2"
    assert origins.of(heads[0]) is not first
    with pytest.raises(ValueError, match="Expecting value"):
        origins.of(b"no head")


@pytest.mark.parametrize("odd", ["", "\0", "a\0b", "ü", "\0ü"])
def test_texts_are_read_as_they_were_whatever_is_in_them(odd: str) -> None:
    record = encode(HEAD, "id", 7, columns((odd, 1.0, "x", 10.0), ("b", 2.0, odd, 20.0)), prediction("no", "yes"))
    (batch,) = gathered([record])
    assert (list(batch.columns[0]), list(batch.columns[2])) == ([odd, "b"], ["x", odd])


def test_a_record_whose_texts_lie_in_a_list_as_before_is_read() -> None:
    values, answer = columns(ONE, TWO), prediction("no", "yes")
    assert answer.probabilities is not None
    known = b"".join(value.tobytes() for value in values if value.dtype != object)
    listed = [text for value in values if value.dtype == object for text in value.tolist()]
    before = HEAD + pickle.dumps(("id", 7, 2, known, listed, answer.labels, answer.probabilities.tobytes()), 5)
    (old,), (new,) = gathered([before]), gathered([encode(HEAD, "id", 7, values, answer)])
    assert [list(column) for column in old.columns] == [list(column) for column in new.columns]


def test_requests_that_were_answered_together_are_as_many_as_they_were() -> None:
    alone = encode(HEAD, "a", 1, columns(("Private", 39.0, "Bern", 0.0)), prediction("no"))
    rows = columns(("Private", 40.0, "", 1.0), ("State", np.nan, "Basel", 2.0))
    together = encode(HEAD, ["b", "c"], 2, rows, prediction("yes", "no"))
    (batch,) = gathered([alone, together])
    assert [(request.request_id, request.time_ns, request.rows) for request in batch.requests] == [
        ("a", 1, 1),
        ("b", 2, 1),
        ("c", 2, 1),
    ]
    work, age, town, _ = batch.columns
    assert (list(work), list(town)) == (["Private", "Private", "State"], ["Bern", "", "Basel"])
    np.testing.assert_array_equal(age, [39, 40, np.nan])
    assert list(batch.labels) == ["no", "yes", "no"]


def test_events_of_requests_that_were_answered_together_have_identities_of_their_own() -> None:
    rows = [("Private" * 20_000, float(index), "Bern", 0.0) for index in range(8)]
    record = encode(HEAD, [f"r{index}" for index in range(8)], 2, columns(*rows), prediction(*["yes"] * 8))
    (batch,) = gathered([record], max_bytes=1 << 22)
    drafts = list(to_drafts(uuid.UUID(int=1), batch))
    events = [draft.message for draft in drafts if isinstance(draft.message, events_pb2.PredictionBatch)]
    told = [request.request_id for event in events for request in event.requests]
    assert len(drafts) > 1
    assert told == [f"r{index}" for index in range(8)]
    assert len({draft.id for draft in drafts}) == len(drafts)


def test_a_record_that_lacks_an_id_of_its_rows_is_damaged() -> None:
    rows = columns(("Private", 40.0, "", 1.0), ("State", 41.0, "Basel", 2.0))
    record = encode(HEAD, ["only one"], 2, rows, prediction("yes", "no"))
    damaged: list[Record] = []
    assert list(batches([Record(0, describe(record), record)], 100, 1 << 20, damaged.append)) == []
    assert len(damaged) == 1


@pytest.mark.parametrize("odd", ["\ud800", "\0\ud800"])
def test_what_no_event_can_hold_is_refused_before_it_is_kept(odd: str) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        encode(HEAD, "id", 7, columns((odd, 1.0, "x", 10.0)), prediction("no"))


def test_requests_whose_outputs_are_not_as_wide_as_the_others_are_damaged() -> None:
    narrow = Prediction(1, labels=["no"], probabilities=np.array([[1.0]]))
    damaged: list[Record] = []
    records = [
        Record(place, Mark("projects/p/deployments/d", 1, 7), encode(HEAD, "id", 7, columns(ONE), answer))
        for place, answer in enumerate((prediction("no"), narrow, prediction("yes")))
    ]
    (batch,) = batches(records, 100, 1 << 20, damaged.append)
    assert isinstance(batch, PredictionBatch)
    assert (batch.rows, [record.place for record in damaged]) == (2, [1])
