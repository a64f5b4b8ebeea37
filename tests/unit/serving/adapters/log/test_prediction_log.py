import gc
import json
import pickle
import shutil
import signal
import subprocess
import sys
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest
from structlog.testing import capture_logs

from fairlead.api.drift.v1 import monitor_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.kit.errors import InvalidArgument, Unavailable
from fairlead.kit.events import Draft, EventLog, open_event_log, topics
from services.serving.adapters.log import publisher
from services.serving.adapters.log.frames import Mark, Record
from services.serving.adapters.log.journal import Journal
from services.serving.adapters.log.losses import Cause, Loss, Losses
from services.serving.adapters.log.made_events import encode_made
from services.serving.adapters.log.prediction_log import JournaledPredictionLog
from services.serving.adapters.log.records import batches, describe, encode, encode_head
from services.serving.adapters.metrics.log import DROPPED, LOGGED, REFUSED, SPOOLED
from services.serving.domain.losses import Span
from services.serving.domain.models.model import Model
from services.serving.domain.models.prediction import Prediction
from services.serving.domain.models.schema import InputColumn, Kind, Schema, TaskType
from services.serving.domain.prediction_log import Origin, PredictionBatch, WhenFull
from services.serving.domain.requests.columns import Array, Columns, columns_of
from tests import waiting
from tests.unit.serving.schemas import INCOME, PRICE, numbers, texts

NOON_NS = 1_700_000_000_000_000_000
INCOME_NAME, PRICE_NAME = "projects/p/deployments/income", "projects/p/deployments/price"
COLUMNS, ROWS = columns_of(
    INCOME,
    {
        "age": numbers([39, float("nan")]),
        "workclass": texts("Private", ""),
        "seen": texts("2026-01-31T17:01:03Z", None),
        "married": texts(True, False),
    },
)
PREDICTION = Prediction(2, labels=["<=50K", ">50K"], probabilities=numbers([0.9, 0.1, 0.2, 0.8]).reshape(2, 2))


class NoRuntime:
    def run(self, columns: Columns) -> Array:
        raise AssertionError("nothing is predicted here")


INCOME_MODEL = Model("projects/p/models/m/versions/1", INCOME, NoRuntime())
INCOME_HEAD = encode_head(INCOME_NAME, INCOME_MODEL)
PRICE_MODEL = Model("projects/p/models/price/versions/7", PRICE, NoRuntime())


class AwayAtFirst:
    """An event log that refuses a number of publications."""

    def __init__(self, behind: EventLog, refusals: int) -> None:
        self._behind, self.refusals = behind, refusals

    def publish_many(self, topic: str, drafts: Iterable[Draft]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise Unavailable("the broker is away")
        self._behind.publish_many(topic, drafts)


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventLog]:
    log = open_event_log(f"sqlite:///{tmp_path}/events.db", source="serving")
    yield log
    log.close()


def published(events: EventLog) -> list[events_pb2.PredictionBatch]:
    return [event.unpack(events_pb2.PredictionBatch) for event in events.replay(topics.PREDICTIONS)]


def open_log(
    folder: Path, events: EventLog, max_bytes: int = 1 << 20, when_full: WhenFull = WhenFull.DROP_OLDEST
) -> JournaledPredictionLog:
    journal = Journal(folder / "journal", max_bytes=max_bytes, describe=describe)
    return JournaledPredictionLog(journal, Losses(folder / "losses.json"), events, when_full)


def append(log: JournaledPredictionLog, request_id: str, time_ns: int = NOON_NS) -> None:
    log.append(INCOME_NAME, INCOME_MODEL, request_id, COLUMNS, PREDICTION, time_ns)


def dropped(reason: str) -> float:
    return float(DROPPED.labels(reason)._value.get())


def alerts(events: EventLog) -> list[monitor_pb2.Alert]:
    return [event.unpack(events_pb2.AlertRaised).alert for event in events.replay(topics.ALERTS)]


def request_ids(events: EventLog) -> list[str]:
    return [request.request_id for batch in published(events) for request in batch.requests]


def test_an_event_holds_inputs_predictions_and_requests(tmp_path: Path, events: EventLog) -> None:
    log = open_log(tmp_path, events)
    append(log, "a")
    append(log, "b")
    log.close()
    (batch,) = published(events)
    assert (batch.deployment, batch.model_version) == (INCOME_NAME, "projects/p/models/m/versions/1")
    assert [(request.request_id, request.row_count) for request in batch.requests] == [("a", 2), ("b", 2)]
    assert batch.requests[0].time.seconds == 1_700_000_000
    age, workclass, seen, married = batch.inputs
    assert age.numbers.values[0] == 39
    assert age.numbers.values[1] != age.numbers.values[1]
    assert list(workclass.texts.values) == ["Private", ""] * 2
    assert list(seen.texts.values) == ["2026-01-31T17:01:03Z", ""] * 2
    assert list(married.numbers.values) == [1, 0] * 2
    assert list(batch.prediction.texts.values) == ["<=50K", ">50K"] * 2
    assert list(batch.probabilities) == [0.9, 0.1, 0.2, 0.8] * 2
    assert list(batch.classes) == ["<=50K", ">50K"]
    assert list((tmp_path / "journal").iterdir()) == []


def test_regression_values_are_numbers(tmp_path: Path, events: EventLog) -> None:
    log = open_log(tmp_path, events)
    columns, _ = columns_of(PRICE, {"rooms": numbers([3]), "age": numbers([1])})
    log.append(PRICE_NAME, PRICE_MODEL, "a", columns, Prediction(1, values=numbers([18.0])), 0)
    log.close()
    (batch,) = published(events)
    assert list(batch.prediction.numbers.values) == [18.0]
    assert (list(batch.probabilities), list(batch.classes)) == ([], [])


def test_events_are_keyed_by_deployment_and_come_without_being_asked_for(tmp_path: Path, events: EventLog) -> None:
    log = open_log(tmp_path, events)
    append(log, "a")
    waiting.published(events, topics.PREDICTIONS)
    assert next(iter(events.replay(topics.PREDICTIONS))).key == INCOME_NAME
    log.close()


def test_what_a_killed_process_kept_is_published_by_the_next(tmp_path: Path, events: EventLog) -> None:
    die = (
        "import os, signal, sys; from pathlib import Path\n"
        "from fairlead.kit.events import open_event_log\n"
        "from tests.unit.serving.adapters.log import test_prediction_log as here\n"
        "away = here.AwayAtFirst(open_event_log(f'sqlite:///{sys.argv[1]}/events.db', source='serving'), 1000)\n"
        "log = here.open_log(Path(sys.argv[1]), away)\n"
        "here.append(log, 'before the kill'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", die, str(tmp_path)], check=False).returncode == -signal.SIGKILL
    log = open_log(tmp_path, events)
    append(log, "after")
    log.close()
    kept = [request.request_id for batch in published(events) for request in batch.requests]
    assert kept == ["before the kill", "after"]


def test_an_event_log_that_comes_back_gets_everything_in_order(tmp_path: Path, events: EventLog) -> None:
    spooled, logged = SPOOLED._value.get(), LOGGED._value.get()
    away = AwayAtFirst(events, refusals=1)
    log = open_log(tmp_path, away)  # type: ignore[arg-type]
    append(log, "0")
    until = monotonic() + 30
    while away.refusals and monotonic() < until:
        sleep(0.01)
    for number in range(1, 5):
        append(log, str(number))
    waiting.published(events, topics.PREDICTIONS)
    log.close()
    assert [r.request_id for batch in published(events) for r in batch.requests] == ["0", "1", "2", "3", "4"]
    assert SPOOLED._value.get() - spooled == 2
    assert LOGGED._value.get() - logged == 10


def test_a_prediction_larger_than_the_whole_spool_is_dropped_and_counted(tmp_path: Path, events: EventLog) -> None:
    before = dropped("drop_oldest")
    log = open_log(tmp_path, events, 100)
    append(log, "too large")
    log.close()
    assert dropped("drop_oldest") - before == 2
    assert published(events) == []


def test_a_record_that_can_not_be_read_is_counted_and_its_neighbours_are_published(
    tmp_path: Path, events: EventLog
) -> None:
    journal = Journal(tmp_path / "journal", max_bytes=1 << 20, describe=describe)
    head = encode_head(INCOME_NAME, INCOME_MODEL)
    for name in ("first", "damaged", "last"):
        journal.append(encode(head, name, NOON_NS, COLUMNS, PREDICTION), Mark(INCOME_NAME, 2, NOON_NS))
    journal.append(b"what no version wrote", Mark(INCOME_NAME, 3, NOON_NS))
    journal.seal()
    (segment,) = (tmp_path / "journal").glob("*.sealed")
    segment.write_bytes(segment.read_bytes().replace(b"damaged", b"dAmaged"))
    before = dropped("damaged")
    log = open_log(tmp_path, events)
    append(log, "after")
    log.close()
    assert request_ids(events) == ["first", "last", "after"]
    assert [path.suffix for path in (tmp_path / "journal").iterdir()] == [".broken"]
    assert dropped("damaged") - before == 5
    (alert,) = alerts(events)
    assert (alert.unlogged_predictions.row_count, alert.unlogged_predictions.refused) == (5, False)
    assert "could not be read back from the spool on disk" in alert.message


def test_damage_in_what_an_earlier_process_left_is_told_of_its_deployment(tmp_path: Path, events: EventLog) -> None:
    log = open_log(tmp_path, AwayAtFirst(events, refusals=10**6))  # type: ignore[arg-type]
    for name in ("first", "damaged", "last"):
        append(log, name)
    log.close()
    (segment,) = (tmp_path / "journal").iterdir()
    segment.write_bytes(segment.read_bytes().replace(b"damaged", b"dAmaged"))
    open_log(tmp_path, events).close()
    assert request_ids(events) == ["first", "last"]
    (alert,) = alerts(events)
    assert (alert.deployment, alert.unlogged_predictions.row_count) == (INCOME_NAME, 2)


def test_a_segment_of_the_first_format_is_published(tmp_path: Path, events: EventLog) -> None:
    (tmp_path / "journal").mkdir()
    record = encode(encode_head(INCOME_NAME, INCOME_MODEL), "old", NOON_NS, COLUMNS, PREDICTION)
    framed = len(record).to_bytes(4, "little") + record
    (tmp_path / "journal" / "000000000007.open").write_bytes(framed * 2 + framed[:-3])
    log = open_log(tmp_path, events)
    append(log, "new")
    log.close()
    assert request_ids(events) == ["old", "old", "new"]
    assert list((tmp_path / "journal").iterdir()) == []


def test_a_segment_that_is_published_twice_has_the_same_event_ids(tmp_path: Path, events: EventLog) -> None:
    log = open_log(tmp_path, AwayAtFirst(events, refusals=10**6))  # type: ignore[arg-type]
    for number in range(3):
        append(log, str(number))
    log.close()
    (tmp_path / "journal").rename(tmp_path / "kept")
    for _ in range(2):
        shutil.copytree(tmp_path / "kept", tmp_path / "journal", dirs_exist_ok=True)
        open_log(tmp_path, events).close()
    append(again := open_log(tmp_path, events), "0")
    again.close()
    first, repeated, another = [event.id for event in events.replay(topics.PREDICTIONS)]
    assert first == repeated != another


def test_wide_rows_and_large_requests_are_cut_into_events_that_brokers_take(tmp_path: Path, events: EventLog) -> None:
    width, rows = 500, 600
    schema = Schema(TaskType.REGRESSION, (), tuple(InputColumn(f"c{n}", Kind.NUMBER, f"c{n}") for n in range(width)))
    model = Model("projects/p/models/wide/versions/1", schema, NoRuntime())
    # No float32 holds these: they are eight bytes each.
    columns = tuple(np.arange(rows, dtype=np.float64) + n + 0.1 for n in range(width))
    log = open_log(tmp_path, events, 64 << 20)
    log.append("projects/p/deployments/wide", model, "large", columns, Prediction(rows, values=columns[0]), NOON_NS)
    for number in range(100):
        row = tuple(column[number : number + 1] for column in columns)
        log.append("projects/p/deployments/wide", model, str(number), row, Prediction(1, values=row[0]), NOON_NS)
    log.close()
    assert max(len(event.payload) for event in events.replay(topics.PREDICTIONS)) < 900_000
    parts = [(part, batch) for batch in published(events) for part in batch.requests if part.request_id == "large"]
    assert len(parts) > 2
    assert sum(part.row_count for part, _ in parts) == rows
    assert [part.first_row for part, _ in parts] == [int(batch.prediction.numbers.values[0]) for _, batch in parts]
    assert [int(batch.inputs[499].numbers.values[0]) - 499 for _, batch in parts] == [p.first_row for p, _ in parts]
    assert request_ids(events)[len(parts) :] == [str(number) for number in range(100)]
    assert len({event.id for event in events.replay(topics.PREDICTIONS)}) == len(published(events))


def test_versions_that_answer_in_turn_are_batched_each_in_order(tmp_path: Path, events: EventLog) -> None:
    log = open_log(tmp_path, events)
    newer = Model("projects/p/models/m/versions/2", INCOME, NoRuntime())
    for number, model in enumerate([INCOME_MODEL, newer, INCOME_MODEL, newer, newer]):
        log.append(INCOME_NAME, model, str(number), COLUMNS, PREDICTION, NOON_NS)
    log.close()
    batches = {batch.model_version[-1]: [r.request_id for r in batch.requests] for batch in published(events)}
    assert batches == {"1": ["0", "2"], "2": ["1", "3", "4"]}


def test_shadows_and_sampling_rates_are_told(tmp_path: Path, events: EventLog) -> None:
    log = open_log(tmp_path, events)
    append(log, "all")
    log.append(INCOME_NAME, INCOME_MODEL, "some", COLUMNS, PREDICTION, NOON_NS, sampling_rate=0.25)
    log.append(INCOME_NAME, INCOME_MODEL, "some", COLUMNS, PREDICTION, NOON_NS, shadow=True, sampling_rate=0.25)
    log.append(INCOME_NAME, INCOME_MODEL, "more", COLUMNS, PREDICTION, NOON_NS, sampling_rate=0.25)
    log.close()
    told = [([r.request_id for r in batch.requests], batch.shadow, batch.sampling_rate) for batch in published(events)]
    assert told == [(["all"], False, 0), (["some", "more"], False, 0.25), (["some"], True, 0.25)]
    assert len({event.id for event in events.replay(topics.PREDICTIONS)}) == 3


def test_where_it_is_to_be_refused_a_prediction_that_can_not_be_logged_has_no_answer(
    tmp_path: Path, events: EventLog
) -> None:
    before = REFUSED._value.get()
    log = open_log(tmp_path, events, 100, WhenFull.REFUSE)
    with pytest.raises(Unavailable, match="prediction log is full") as refusal:
        append(log, "refused")
    log.close()
    assert refusal.value.retry_after == 5
    assert REFUSED._value.get() - before == 2
    (alert,) = alerts(events)
    assert (alert.unlogged_predictions.row_count, alert.unlogged_predictions.refused) == (2, True)


def test_requests_that_are_refused_together_are_counted_when_each_is_asked_again(
    tmp_path: Path, events: EventLog
) -> None:
    before = REFUSED._value.get()
    log = open_log(tmp_path, events, 100, WhenFull.REFUSE)
    with pytest.raises(Unavailable):
        log.append(INCOME_NAME, INCOME_MODEL, ["one", "two"], COLUMNS, PREDICTION, NOON_NS)
    assert REFUSED._value.get() == before
    log.close()
    assert alerts(events) == []


def test_an_alert_tells_of_what_was_lost_also_before_a_restart(tmp_path: Path, events: EventLog) -> None:
    away = AwayAtFirst(events, refusals=10**6)
    log = open_log(tmp_path, away, 100, WhenFull.DROP_NEWEST)  # type: ignore[arg-type]
    append(log, "too large")
    log.close()
    open_log(tmp_path, events).close()
    (alert,) = alerts(events)
    assert alert.message == (
        f"2 predictions of {INCOME_NAME} between 2023-11-14T22:13:20.000Z and 2023-11-14T22:13:20.000Z were answered "
        "and not logged: the event log was away or slow, and the spool of 1 MB on disk was full."
    )
    assert alert.name.startswith("projects/p/monitors/income/alerts/log-")
    assert (alert.kind, alert.deployment) == (monitor_pb2.ALERT_KIND_PREDICTIONS_NOT_LOGGED, INCOME_NAME)
    open_log(tmp_path, events).close()
    assert len(alerts(events)) == 1


def test_an_alert_that_is_told_twice_has_the_same_event_id(tmp_path: Path) -> None:
    told = Losses(tmp_path / "once.json")
    told.add(INCOME_NAME, Span(1, NOON_NS, NOON_NS))
    (first,) = told.tell()
    told.add(INCOME_NAME, Span(5, NOON_NS, NOON_NS))
    assert Losses(tmp_path / "once.json").tell() == told.tell() == [first]
    told.told()
    (second,) = told.tell()
    assert (second.span.rows, second.id != first.id) == (5, True)


@pytest.mark.parametrize("content", ["", '{"counted": [["projects/p', "[]", '{"counted": [[1]], "telling": []}'])
def test_a_torn_count_of_losses_is_set_aside_and_counting_goes_on(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "losses.json"
    file.write_text(content)
    losses = Losses(file)
    assert not losses
    assert "can't be read" in "".join(capsys.readouterr())
    assert (tmp_path / "losses.broken").read_text() == content
    losses.add(INCOME_NAME, Span(1, NOON_NS, NOON_NS))
    losses.save()
    assert [loss.span.rows for loss in Losses(file).tell()] == [1]


def test_a_count_of_losses_that_an_earlier_version_wrote_is_read(tmp_path: Path) -> None:
    file = tmp_path / "losses.json"
    counted, told = [INCOME_NAME, True, [2, 3, 4]], ["id-1", PRICE_NAME, False, [5, 6, 7]]
    file.write_text(json.dumps({"counted": [counted], "telling": [told]}))
    losses = Losses(file)
    assert losses.tell() == [Loss("id-1", PRICE_NAME, False, Span(5, 6, 7), Cause.FULL)]
    losses.told()
    (second,) = losses.tell()
    assert second[1:] == (INCOME_NAME, True, Span(2, 3, 4), Cause.FULL)


class RefusesLargeOnes:
    """An event log that refuses events above a size, as brokers do."""

    def __init__(self, behind: EventLog, most: int) -> None:
        self._behind, self._most = behind, most

    def publish_many(self, topic: str, drafts: Iterable[Draft]) -> None:
        drafts = list(drafts)
        if any(draft.message.ByteSize() > self._most for draft in drafts):
            raise InvalidArgument("the event is larger than the brokers' limit")
        self._behind.publish_many(topic, drafts)


def test_what_the_event_log_will_never_take_is_counted_and_holds_up_nothing(tmp_path: Path, events: EventLog) -> None:
    before = dropped("refused")
    log = open_log(tmp_path, RefusesLargeOnes(events, 1000))  # type: ignore[arg-type]
    columns, _ = columns_of(PRICE, {"rooms": numbers([3] * 300), "age": numbers([1] * 300)})
    append(log, "small")
    log.append(PRICE_NAME, PRICE_MODEL, "large", columns, Prediction(300, values=numbers([18.0] * 300)), NOON_NS)
    log.close()
    assert request_ids(events) == ["small"]
    assert dropped("refused") - before == 300
    (alert,) = alerts(events)
    assert (alert.deployment, alert.unlogged_predictions.row_count) == (PRICE_NAME, 300)
    assert "the event log refuses them for what they are" in alert.message


def test_a_record_names_no_class_of_this_service(tmp_path: Path) -> None:
    record = encode(encode_head(INCOME_NAME, INCOME_MODEL), "a", 0, COLUMNS, PREDICTION)
    assert not any(word in record for word in (b"services", b"fairlead", b"numpy", b"Schema"))
    (batch,) = batches([Record(0, describe(record), record)], 10, 10_000, lambda _: None)
    assert isinstance(batch, PredictionBatch)
    assert batch.origin.schema == INCOME


def test_a_record_that_would_import_something_is_refused() -> None:
    record = encode_head(INCOME_NAME, INCOME_MODEL) + pickle.dumps(Path("x"))
    with pytest.raises(pickle.UnpicklingError, match="built-in types only"):
        describe(record)


def test_a_deleted_deployments_model_does_not_stay_in_memory(tmp_path: Path, events: EventLog) -> None:
    log = open_log(tmp_path, events)
    model = Model("projects/p/models/m/versions/2", INCOME, NoRuntime())
    log.append(INCOME_NAME, model, "a", COLUMNS, PREDICTION, 0)
    held = weakref.ref(model)
    del model
    gc.collect()
    assert held() is None
    log.forget(INCOME_NAME)
    append(log, "b")
    log.close()
    assert [batch.model_version[-1] for batch in published(events)] == ["2", "1"]


class TakesTheFileAway:
    """An event log during whose first publication someone deletes the segment being published."""

    def __init__(self, behind: EventLog, folder: Path) -> None:
        self._behind, self._folder, self.done = behind, folder, False

    def publish_many(self, topic: str, drafts: Iterable[Draft]) -> None:
        self._behind.publish_many(topic, drafts)
        if not self.done:
            for segment in self._folder.glob("*.sealed"):
                segment.unlink()
        self.done = True


def test_publishing_goes_on_after_an_error_of_the_disk(tmp_path: Path, events: EventLog) -> None:
    log = open_log(tmp_path, TakesTheFileAway(events, tmp_path / "journal"))  # type: ignore[arg-type]
    append(log, "a")
    waiting.published(events, topics.PREDICTIONS)
    append(log, "b")
    waiting.published(events, topics.PREDICTIONS, 2)
    log.close()
    assert [batch.requests[0].request_id for batch in published(events)] == ["a", "b"]


def kept_before(folder: Path, *records: tuple[str, bytes]) -> None:
    """Keep records of two rows each as an earlier version did, which refused less."""
    journal = Journal(folder / "journal", max_bytes=1 << 20, describe=describe)
    for name, body in records:
        journal.append(body, Mark(name, 2, NOON_NS))
    journal.seal()


def test_what_can_not_be_an_event_is_set_aside_alone(tmp_path: Path, events: EventLog) -> None:
    good = encode(INCOME_HEAD, "good", NOON_NS, COLUMNS, PREDICTION)
    # As a pickle has a text with half of a pair of surrogates.
    bad = encode(INCOME_HEAD, "bad", NOON_NS, COLUMNS, PREDICTION).replace(b"Private", b"Pr\xed\xa0\x80te")
    assert pickle.loads(bad[len(INCOME_HEAD) :])[4] == "Pr\ud800te\0"
    kept_before(tmp_path, *((INCOME_NAME, body) for body in (good, bad, good, good, bad)))
    before = dropped("damaged")
    log = open_log(tmp_path, events)
    append(log, "later")
    log.close()
    assert sorted(request_ids(events)) == ["good", "good", "good", "later"]
    assert [path.suffix for path in (tmp_path / "journal").iterdir()] == [".broken"]
    assert dropped("damaged") - before == 4
    (alert,) = alerts(events)
    assert alert.unlogged_predictions.row_count == 4


def test_an_instant_that_no_text_can_tell_holds_up_nothing(tmp_path: Path, events: EventLog) -> None:
    for seconds in (np.inf, 1.7e12, -1e18):
        columns = (*COLUMNS[:2], numbers([seconds, 0.0]), COLUMNS[3])
        kept_before(tmp_path, (INCOME_NAME, encode(INCOME_HEAD, "a", NOON_NS, columns, PREDICTION)))
    log = open_log(tmp_path, events)
    log.close()
    (batch,) = published(events)[:1]
    assert list(batch.inputs[2].texts.values)[:2] == ["", "1970-01-01T00:00:00Z"]
    assert request_ids(events) == ["a"] * 3
    assert list((tmp_path / "journal").iterdir()) == []


def test_a_failure_that_goes_on_is_logged_once_and_without_values(
    tmp_path: Path, events: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = 0

    def claim(_: Journal) -> None:
        nonlocal failures
        failures += 1
        raise RuntimeError("the value of a row")

    monkeypatch.setattr(publisher, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(Journal, "claim", claim)
    with capture_logs() as lines:
        log = open_log(tmp_path, events)
        append(log, "a")
        waiting.until(lambda: failures > 3)
        log.close()
    told = [line for line in lines if line["log_level"] == "error"]
    assert len(told) == 1
    assert "RuntimeError in " in told[0]["error"]
    assert "the value of a row" not in str(told)


def test_an_id_larger_than_an_event_is_not_told_again_with_each_row(tmp_path: Path) -> None:
    columns = tuple(np.repeat(column, 150) for column in COLUMNS)
    probabilities = np.repeat(numbers([0.9, 0.1]).reshape(1, 2), 300, axis=0)
    answer = Prediction(300, labels=["<=50K"] * 300, probabilities=probabilities)
    origin = Origin(INCOME_NAME, INCOME_MODEL.version, INCOME)
    body = encode_made(INCOME_HEAD, origin, "i" * 800_000, NOON_NS, columns, answer)
    assert len(body) < 1_000_000
