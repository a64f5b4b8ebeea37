"""A large request comes in several events: to an experiment it is one request still, however many parts it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from fairlead.api.drift.v1 import experiment_pb2, experiment_service_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.api.serving.v1 import deployment_pb2
from fairlead.kit.events import topics
from services.drift.experiment_servicer import ExperimentServicer
from tests.unit.drift import events as made
from tests.unit.drift.capture import take
from tests.unit.drift.test_intake import LATER, TRAINING, Desk

EXPERIMENT = f"{made.DEPLOYMENT}/experiment"
ONE, TWO = made.VERSION_1, made.VERSION_2
REQUEST_ROWS = 9
PARTS = (4, 3, 2)


@pytest.fixture
def desk(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    desk = Desk(tmp_path, database_url)
    desk.settings.drift_recent_rows = 10_000
    desk.settings.drift_early_truths = 1_000
    yield desk
    desk.events.close()
    desk.engine.dispose()


def split(desk: Desk, *, shadow: bool = False, hours: float = 0, percent: float = 50) -> deployment_pb2.Deployment:
    """Tell that both versions answer, or that the second is the first one's shadow."""
    key = desk.reference(TRAINING)
    message = made.deployment(key, ONE, made.NOON + timedelta(hours=hours))
    message.traffic.add(model_version=ONE, percent=100 if shadow else 100 - percent, reference_blob=key)
    message.traffic.add(model_version=TWO, percent=0 if shadow else percent, shadow=shadow, reference_blob=key)
    desk.changed(message)
    return message


def request(number: int, version: str, *, shadow: bool = False) -> events_pb2.PredictionBatch:
    """Return one request of several rows, always the same of this number."""
    rows = take(LATER, np.arange(REQUEST_ROWS) + number * REQUEST_ROWS)
    batch = made.batch(rows, first=number, version=version, request_rows=REQUEST_ROWS)
    batch.shadow = shadow
    return batch


def parts_of(batch: events_pb2.PredictionBatch, sizes: Sequence[int] = PARTS) -> list[events_pb2.PredictionBatch]:
    parts = list(made.in_parts(batch, *sizes))
    for part in parts:
        part.shadow = batch.shadow
    return parts


def told(desk: Desk, *batches: events_pb2.PredictionBatch, wrong: bool = False, rows: Sequence[int] = ()) -> None:
    """Tell the truths of requests: that their answers were right, or wrong."""
    message = events_pb2.FeedbackBatch(deployment=made.DEPLOYMENT)
    for batch in batches:
        labels = batch.prediction.texts.values
        for row in rows or range(REQUEST_ROWS):
            truth = made.CLASSES[1 - made.CLASSES.index(labels[row])] if wrong else labels[row]
            message.feedbacks.add(request_id=batch.requests[0].request_id, row=row, value=truth)
    desk.intake.take_traffic(desk.published(topics.FEEDBACK, message))


def asked(desk: Desk) -> experiment_pb2.Experiment:
    servicer, wanted = ExperimentServicer(desk.engine), experiment_service_pb2.GetExperimentRequest(name=EXPERIMENT)
    return servicer.GetExperiment(wanted, None).experiment  # type: ignore[arg-type]  # no context is asked for


def counted(desk: Desk) -> list[tuple[object, ...]]:
    """Return each arm's requests, requests and rows with a truth, and error rate."""
    return [
        (
            arm.request_count,
            arm.feedback_request_count,
            arm.feedback_row_count,
            arm.metrics[0].value if arm.metrics else None,
        )
        for arm in asked(desk).arms
    ]


def test_requests_in_parts_compare_as_the_same_requests_whole(desk: Desk) -> None:
    chance = np.random.default_rng(71)
    requests = [request(number, TWO if number % 2 else ONE) for number in range(210)]
    # The rows of a request err together, as often with either version.
    wrong = chance.random(len(requests)) < 0.3
    found = []
    for cut in (False, True):
        message = split(desk)
        desk.predicted(*(part for each in requests for part in (parts_of(each) if cut else [each])))
        for is_wrong in (False, True):
            told(desk, *(requests[number] for number in np.flatnonzero(wrong == is_wrong)), wrong=is_wrong)
        found.append(asked(desk))
        desk.changed(message, deleted=True)
    whole, cut_up = found
    assert [arm.feedback_request_count for arm in cut_up.arms] == [105, 105]
    assert whole.comparisons[0].differences[0].HasField("lower")
    assert cut_up == whole


def test_a_truth_that_is_corrected_in_a_later_part_is_corrected_for_the_whole_request(desk: Desk) -> None:
    split(desk)
    batch = request(1, TWO)
    desk.predicted(*parts_of(batch))
    told(desk, batch, wrong=True)
    assert counted(desk)[1] == (1, 1, REQUEST_ROWS, 1.0)
    desk.restart()
    told(desk, batch, rows=[7, 8])
    assert counted(desk)[1] == (1, 1, REQUEST_ROWS, pytest.approx(7 / 9))


def test_truths_before_between_and_after_the_parts_are_of_one_request(desk: Desk) -> None:
    split(desk)
    batch = request(1, TWO)
    first, second, third = parts_of(batch)
    told(desk, batch, rows=[0, 8], wrong=True)
    desk.predicted(first)
    told(desk, batch, rows=[1, 5])
    desk.restart()
    desk.predicted(second)
    assert counted(desk)[1] == (1, 1, 3, pytest.approx(1 / 3))
    desk.predicted(third)
    told(desk, batch, rows=[2, 3, 4, 6, 7])
    assert counted(desk)[1] == (1, 1, REQUEST_ROWS, pytest.approx(2 / 9))


def test_the_parts_of_a_shadow_are_one_request_too(desk: Desk) -> None:
    split(desk, shadow=True)
    answered, shadowed = request(1, ONE), request(1, TWO, shadow=True)
    first, *later = parts_of(shadowed)
    desk.predicted(*parts_of(answered), first)
    told(desk, answered, wrong=True)
    desk.predicted(*later)
    assert counted(desk) == [(1, 1, REQUEST_ROWS, 1.0)] * 2
    told(desk, answered)
    assert counted(desk) == [(1, 1, REQUEST_ROWS, 0.0)] * 2


def test_a_request_whose_parts_come_about_a_change_of_shares_is_of_the_split_of_its_first(desk: Desk) -> None:
    split(desk)
    batch = request(5, TWO)
    first, *later = parts_of(batch)
    desk.predicted(first)
    # Told late: by its time the request was answered after it.
    split(desk, hours=1 / 3600, percent=20)
    desk.predicted(*later)
    told(desk, batch, wrong=True)
    assert counted(desk)[1] == (1, 1, REQUEST_ROWS, 1.0)


def test_the_parts_of_a_request_are_forgotten_together(desk: Desk) -> None:
    desk.settings.drift_recent_rows = 10
    split(desk)
    batch = request(0, TWO)
    desk.predicted(*parts_of(batch))
    told(desk, batch, wrong=True, rows=[0, 4])
    # Five more rows leave no place for the first part, but for the later ones.
    following = take(LATER, np.arange(1_000, 1_005))
    desk.restart()
    desk.predicted(made.batch(following, first=100, version=TWO))
    told(desk, batch, wrong=True, rows=[8])
    assert counted(desk)[1][1:] == (1, 3, 1.0)
    desk.restart()
    desk.predicted(made.batch(take(LATER, np.arange(1_100, 1_110)), first=200, version=TWO))
    told(desk, batch, rows=[8])
    assert counted(desk)[1][1:] == (1, 3, 1.0), "all of it is forgotten, nothing of it counted anew"
