import gc
import pickle
import signal
import subprocess
import sys
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.errors import Unavailable
from fairlead.kit.events import Draft, EventLog, open_event_log, topics
from services.serving.adapters.journal import Journal
from services.serving.adapters.log_records import batches, encode, encode_head
from services.serving.adapters.prediction_log import DROPPED, LOGGED, SPOOLED, JournaledPredictionLog
from services.serving.domain.columns import Array, Columns, columns_of
from services.serving.domain.model import Model
from services.serving.domain.prediction import Prediction
from tests import waiting
from tests.unit.serving.schemas import INCOME, PRICE, numbers, texts

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


def append(log: JournaledPredictionLog, request_id: str) -> None:
    log.append(INCOME_NAME, INCOME_MODEL, request_id, COLUMNS, PREDICTION, 1_700_000_000_000_000_000)


def test_an_event_holds_inputs_predictions_and_requests(tmp_path: Path, events: EventLog) -> None:
    log = JournaledPredictionLog(Journal(tmp_path / "journal", max_bytes=1 << 20), events)
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
    log = JournaledPredictionLog(Journal(tmp_path / "journal", max_bytes=1 << 20), events)
    columns, _ = columns_of(PRICE, {"rooms": numbers([3]), "age": numbers([1])})
    log.append(PRICE_NAME, PRICE_MODEL, "a", columns, Prediction(1, values=numbers([18.0])), 0)
    log.close()
    (batch,) = published(events)
    assert list(batch.prediction.numbers.values) == [18.0]
    assert (list(batch.probabilities), list(batch.classes)) == ([], [])


def test_events_are_keyed_by_deployment_and_come_without_being_asked_for(tmp_path: Path, events: EventLog) -> None:
    log = JournaledPredictionLog(Journal(tmp_path / "journal", max_bytes=1 << 20), events)
    append(log, "a")
    waiting.published(events, topics.PREDICTIONS)
    assert next(iter(events.replay(topics.PREDICTIONS))).key == INCOME_NAME
    log.close()


def test_what_a_killed_process_kept_is_published_by_the_next(tmp_path: Path, events: EventLog) -> None:
    die = (
        "import os, signal, sys; from pathlib import Path\n"
        "from fairlead.kit.events import open_event_log\n"
        "from tests.unit.serving.adapters import test_prediction_log as here\n"
        "journal = here.Journal(Path(sys.argv[1]) / 'journal', max_bytes=1 << 20)\n"
        "away = here.AwayAtFirst(open_event_log(f'sqlite:///{sys.argv[1]}/events.db', source='serving'), 1000)\n"
        "log = here.JournaledPredictionLog(journal, away)\n"
        "here.append(log, 'before the kill'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", die, str(tmp_path)], check=False).returncode == -signal.SIGKILL
    log = JournaledPredictionLog(Journal(tmp_path / "journal", max_bytes=1 << 20), events)
    append(log, "after")
    log.close()
    kept = [request.request_id for batch in published(events) for request in batch.requests]
    assert kept == ["before the kill", "after"]


def test_an_event_log_that_comes_back_gets_everything_in_order(tmp_path: Path, events: EventLog) -> None:
    spooled, logged = SPOOLED._value.get(), LOGGED._value.get()
    away = AwayAtFirst(events, refusals=1)
    log = JournaledPredictionLog(Journal(tmp_path / "journal", max_bytes=1 << 20), away)  # type: ignore[arg-type]
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


def test_beyond_the_disks_limit_predictions_are_dropped_and_counted(tmp_path: Path, events: EventLog) -> None:
    dropped = DROPPED._value.get()
    log = JournaledPredictionLog(Journal(tmp_path / "journal", max_bytes=100), events)
    append(log, "too large")
    log.close()
    assert DROPPED._value.get() - dropped == 2
    assert published(events) == []


def test_a_segment_that_can_not_be_read_is_set_aside(tmp_path: Path, events: EventLog) -> None:
    journal = Journal(tmp_path / "journal", max_bytes=1 << 20)
    journal.append(b"\x04\x00\x00\x00not a record")
    journal.append(b"nor this")
    journal.seal()
    dropped = DROPPED._value.get()
    log = JournaledPredictionLog(journal, events)
    append(log, "good")
    log.close()
    assert [batch.requests[0].request_id for batch in published(events)] == ["good"]
    assert [path.suffix for path in (tmp_path / "journal").iterdir()] == [".broken"]
    assert DROPPED._value.get() - dropped == 2


def test_a_record_names_no_class_of_this_service(tmp_path: Path) -> None:
    record = encode(encode_head(INCOME_NAME, INCOME_MODEL), "a", 0, COLUMNS, PREDICTION)
    assert not any(word in record for word in (b"services", b"fairlead", b"numpy", b"Schema"))
    (batch,) = batches([record], 10)
    assert batch.schema == INCOME


def test_a_record_that_would_import_something_is_refused() -> None:
    record = encode_head(INCOME_NAME, INCOME_MODEL) + pickle.dumps(Path("x"))
    with pytest.raises(pickle.UnpicklingError, match="built-in types only"):
        list(batches([record], 10))


def test_a_deleted_deployments_model_does_not_stay_in_memory(tmp_path: Path, events: EventLog) -> None:
    log = JournaledPredictionLog(Journal(tmp_path / "journal", max_bytes=1 << 20), events)
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
    folder = tmp_path / "journal"
    journal = Journal(folder, max_bytes=1 << 20)
    log = JournaledPredictionLog(journal, TakesTheFileAway(events, folder))  # type: ignore[arg-type]
    append(log, "a")
    waiting.published(events, topics.PREDICTIONS)
    append(log, "b")
    waiting.published(events, topics.PREDICTIONS, 2)
    log.close()
    assert [batch.requests[0].request_id for batch in published(events)] == ["a", "b"]
