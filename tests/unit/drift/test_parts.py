"""A request whose rows came in several events: each row is counted once, and finds its own truth."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from fairlead.api.events.v1 import events_pb2
from fairlead.kit.database import migrate, open_database
from fairlead.kit.events import topics
from services.drift.__main__ import MIGRATIONS
from services.drift.adapters import request_store
from services.drift.domain.performance import Answer
from tests.unit.drift import events as made
from tests.unit.drift.capture import take
from tests.unit.drift.packed import packed
from tests.unit.drift.test_intake import LATER, Desk

ROWS = 120
Form = Callable[[events_pb2.PredictionBatch], events_pb2.PredictionBatch]


def plain(batch: events_pb2.PredictionBatch) -> events_pb2.PredictionBatch:
    """Return a batch as it is."""
    return batch


@pytest.fixture
def desk(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    desk = Desk(tmp_path, database_url)
    desk.changed(made.deployment(desk.reference()))
    yield desk
    desk.events.close()
    desk.engine.dispose()


def whole(rows: int = ROWS) -> events_pb2.PredictionBatch:
    """Return one request of so many rows, always the same ones from the first on."""
    return made.batch(take(made.sample(LATER, ROWS, seed=51), np.arange(rows)), request_rows=rows)


def right_answers(desk: Desk, batch: events_pb2.PredictionBatch, rows: range) -> None:
    """Tell that the predictions of these rows of the request were right."""
    labels = batch.prediction.texts.values
    truths = [events_pb2.Feedback(request_id="request-0", row=row, value=labels[row]) for row in rows]
    message = events_pb2.FeedbackBatch(deployment=made.DEPLOYMENT, feedbacks=truths)
    desk.intake.take_traffic(desk.published(topics.FEEDBACK, message))


def test_the_parts_of_a_request_are_counted_once_each(desk: Desk) -> None:
    parts = list(made.in_parts(whole(), 50, 40, 30))
    desk.predicted(*parts)
    assert (desk.monitor().prediction_count, desk.monitor().open_window_rows) == (ROWS, ROWS)
    desk.restart()
    desk.predicted(*parts)
    assert (desk.monitor().prediction_count, desk.monitor().open_window_rows) == (ROWS, ROWS)
    assert desk.count("fairlead_drift_skipped_total", reason="repeated") == 3


@pytest.mark.parametrize("form", [plain, packed])
@pytest.mark.parametrize("sizes", [(ROWS,), (60, 60), (30, 40, 50)])
def test_a_request_that_is_published_again_in_other_parts_is_counted_once(
    desk: Desk, sizes: tuple[int, ...], form: Form
) -> None:
    first, _lost, last = map(form, made.in_parts(whole(), 40, 40, 40))
    desk.predicted(first, last)
    desk.predicted(*map(form, made.in_parts(whole(), *sizes)))
    assert (desk.monitor().prediction_count, desk.monitor().open_window_rows) == (ROWS, ROWS)
    right_answers(desk, whole(), range(ROWS))
    assert desk.monitor().feedback_count == ROWS
    assert desk.monitor().performance["accuracy"] == 1.0


def test_the_truth_of_a_row_finds_it_in_its_part(desk: Desk) -> None:
    desk.predicted(*made.in_parts(whole(), 50, 40, 30))
    right_answers(desk, whole(), range(ROWS))
    right_answers(desk, whole(), range(45, 55))
    assert desk.monitor().feedback_count == ROWS
    assert desk.monitor().performance["accuracy"] == 1.0


def test_truths_that_come_before_their_part_wait_for_it(desk: Desk) -> None:
    first, second, third = made.in_parts(whole(), 50, 40, 30)
    right_answers(desk, whole(), range(49, 51))
    desk.predicted(first)
    assert desk.monitor().feedback_count == 1
    right_answers(desk, whole(), range(95, 96))
    desk.predicted(second)
    assert desk.monitor().feedback_count == 2
    desk.predicted(third)
    assert desk.monitor().feedback_count == 3
    assert desk.monitor().performance["accuracy"] == 1.0


def test_a_truth_is_of_the_newest_request_of_its_id(desk: Desk) -> None:
    desk.predicted(*made.in_parts(whole(), 60, 60))
    again = whole(2)
    again.requests[0].time.seconds += 1
    desk.predicted(again)
    right_answers(desk, again, range(1, 2))
    assert desk.monitor().feedback_count == 1
    truths = events_pb2.Feedback(request_id="request-0", row=70, value=">50K")
    message = events_pb2.FeedbackBatch(deployment=made.DEPLOYMENT, feedbacks=[truths])
    desk.intake.take_traffic(desk.published(topics.FEEDBACK, message))
    assert desk.monitor().feedback_count == 1, "the newest has no such row"


def test_a_part_that_begins_below_the_first_row_goes_to_the_dead_letters(desk: Desk) -> None:
    batch = whole()
    batch.requests[0].first_row = -1
    desk.predicted(batch)
    assert desk.monitor().prediction_count == 0
    (rejected,) = desk.events.replay(topics.dead_letter(topics.PREDICTIONS))
    assert "before its first row" in rejected.headers["deadletterreason"]


def test_requests_that_were_stored_before_there_were_parts_begin_at_their_first_row(
    tmp_path: Path, database_url: str
) -> None:
    folder = tmp_path / "revisions"
    folder.mkdir()
    for name in ("drift_0001.py", "drift_0002.py"):
        shutil.copy(MIGRATIONS / name, folder)
    engine = open_database(database_url, "drift")
    migrate(engine, folder)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO drift_requests (deployment, request_id, model_version, time_ns, row_count, answers, truths)"
            f" VALUES ('{made.DEPLOYMENT}', 'r', '{made.VERSION_1}', 5, 2, '[[\"a\", 0.1], [\"b\", 0.9]]', '{{}}')"
        )
    migrate(engine, MIGRATIONS)
    with engine.connect() as connection:
        (found,) = request_store.newest_parts(connection, made.DEPLOYMENT, ["r"], shadows=False)["r"]
        seen = request_store.seen_rows(connection, made.DEPLOYMENT, ["r"])
    assert (found.rows, found.answers[1]) == (range(2), Answer("b", 0.9))
    assert seen == {("r", 5): [range(2)]}
    engine.dispose()
