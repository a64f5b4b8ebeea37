"""Experiments over each kind of database: who is counted where, whatever comes late, early, twice or corrected."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from fairlead.api.common.v1 import table_pb2
from fairlead.api.drift.v1 import experiment_pb2, experiment_service_pb2
from fairlead.api.events.v1 import events_pb2
from fairlead.api.serving.v1 import deployment_pb2
from fairlead.kit.database import migrate, open_database
from fairlead.kit.errors import InvalidArgument, NotFound, Unavailable
from fairlead.kit.events import topics
from services.drift.__main__ import MIGRATIONS
from services.drift.adapters import experiment_store
from services.drift.adapters.experiment_store import ArmKey
from services.drift.domain.experiments.split import Split, Target
from services.drift.experiment_servicer import ExperimentServicer
from tests.unit.drift import events as made
from tests.unit.drift.capture import take
from tests.unit.drift.test_intake import LATER, TRAINING, Desk

EXPERIMENT = f"{made.DEPLOYMENT}/experiment"
ONE, TWO = made.VERSION_1, made.VERSION_2
ROWS = made.sample(LATER, 40, seed=61)


@pytest.fixture
def desk(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    desk = Desk(tmp_path, database_url)
    yield desk
    desk.events.close()
    desk.engine.dispose()


def split(
    desk: Desk, *targets: tuple[str, float], shadow: str = "", hours: float = 0, reference: bool = True
) -> deployment_pb2.Deployment:
    """Tell of a split among versions, and of a shadow, at so many hours after noon."""
    key = desk.reference(TRAINING)
    message = made.deployment(key, targets[0][0], made.NOON + timedelta(hours=hours))
    for version, percent in targets:
        message.traffic.add(model_version=version, percent=percent, reference_blob=key if reference else "")
    if shadow:
        message.traffic.add(model_version=shadow, shadow=True)
    desk.changed(message)
    return message


def predicted(
    desk: Desk, version: str, numbers: Sequence[int], *, shadow: bool = False, hours: float = 0, rate: float = 0
) -> events_pb2.PredictionBatch:
    """Have requests of one row answered, whose ids have these numbers."""
    batch = made.batch(take(ROWS, np.array(numbers) % 40), version=version)
    for request, number in zip(batch.requests, numbers, strict=True):
        request.request_id = f"request-{number}"
        request.time.FromDatetime(made.NOON + timedelta(hours=hours, seconds=number))
    batch.shadow, batch.sampling_rate = shadow, rate
    desk.predicted(batch)
    return batch


def told(desk: Desk, batch: events_pb2.PredictionBatch, *, wrong: int = 0) -> None:
    """Tell the truths of a batch, the first ones such that its predictions were wrong."""
    labels = batch.prediction.texts.values
    truths = [made.CLASSES[1 - made.CLASSES.index(label)] if i < wrong else label for i, label in enumerate(labels)]
    ids = [request.request_id for request in batch.requests]
    desk.told(**dict(zip((name.replace("-", "_") for name in ids), truths, strict=True)))


def asked(desk: Desk, number: int = 0) -> experiment_pb2.Experiment:
    servicer = ExperimentServicer(desk.engine)
    request = experiment_service_pb2.GetExperimentRequest(name=EXPERIMENT, number=number)
    return servicer.GetExperiment(request, None).experiment  # type: ignore[arg-type]  # no context is asked for


def counts(experiment: experiment_pb2.Experiment) -> list[tuple[int, int, float | None]]:
    """Return each arm's rows, rows with a truth, and error rate."""
    return [
        (arm.row_count, arm.feedback_row_count, arm.metrics[0].value if arm.metrics else None)
        for arm in experiment.arms
    ]


def test_answers_and_truths_are_counted_by_version(desk: Desk) -> None:
    split(desk, (ONE, 80), (TWO, 20))
    first, second = predicted(desk, ONE, range(20)), predicted(desk, TWO, range(20, 30))
    told(desk, first, wrong=5)
    told(desk, second, wrong=1)
    experiment = asked(desk)
    assert counts(experiment) == [(20, 20, 0.25), (10, 10, 0.1)]
    assert [(arm.model_version, arm.champion, arm.shadow, arm.percent) for arm in experiment.arms] == [
        (ONE, True, False, 80),
        (TWO, False, False, 20),
    ]
    (comparison,) = experiment.comparisons
    assert comparison.verdict == experiment_pb2.EXPERIMENT_VERDICT_TOO_FEW_TRUTHS
    assert not comparison.differences[0].HasField("lower")
    assert experiment.metric == "error_rate" and experiment.confidence == 0.95
    assert experiment.begin_time.ToDatetime() == made.NOON.replace(tzinfo=None)


def test_what_comes_again_after_a_restart_changes_nothing(desk: Desk) -> None:
    split(desk, (ONE, 50), (TWO, 50))
    predictions = desk.predicted(made.batch(ROWS))
    feedback = desk.published(topics.FEEDBACK, made.feedback({"request-0": ">50K", "request-1": ">50K"}))
    desk.intake.take_traffic(feedback)
    before = asked(desk)
    desk.restart()
    desk.intake.take_traffic([*predictions, *feedback])
    desk.predicted(made.batch(ROWS))
    desk.told(request_0=">50K")
    assert asked(desk) == before
    assert counts(before)[0][:2] == (40, 2)


def test_a_corrected_truth_replaces_the_former(desk: Desk) -> None:
    split(desk, (ONE, 50), (TWO, 50))
    batch = predicted(desk, TWO, range(4))
    told(desk, batch, wrong=2)
    assert counts(asked(desk))[1] == (4, 4, 0.5)
    desk.restart()
    told(desk, batch, wrong=1)
    assert counts(asked(desk))[1] == (4, 4, 0.25)


def test_truths_that_come_before_their_predictions_are_joined(desk: Desk) -> None:
    desk.settings.drift_early_truths = 100
    split(desk, (ONE, 50), (TWO, 50))
    later = made.batch(take(ROWS, np.arange(3)), version=TWO)
    told(desk, later, wrong=1)
    desk.restart()
    desk.predicted(later)
    assert counts(asked(desk))[1] == pytest.approx((3, 3, 1 / 3))


def test_other_shares_go_on_with_the_experiment_and_other_versions_begin_another(desk: Desk) -> None:
    split(desk, (ONE, 90), (TWO, 10))
    first = predicted(desk, TWO, range(10))
    split(desk, (ONE, 50), (TWO, 50), hours=1)
    second = predicted(desk, TWO, range(10, 14), hours=1.5)
    told(desk, second)
    assert asked(desk).number == 1
    assert counts(asked(desk))[1] == (14, 4, 0.0)
    split(desk, (TWO, 100), hours=2)
    predicted(desk, TWO, range(20, 25), hours=3)
    told(desk, first, wrong=10)
    newest, former = asked(desk), asked(desk, 1)
    assert newest.number == 2 and counts(newest) == [(5, 0, None)]
    assert newest.summary == "income/2 answers alone: there is nothing to compare"
    assert counts(former)[1] == pytest.approx((14, 14, 10 / 14)), "late truths are of the experiment of their answers"
    assert former.end_time == newest.begin_time and not newest.HasField("end_time")
    with pytest.raises(NotFound, match="no experiment 3"):
        asked(desk, 3)
    with pytest.raises(InvalidArgument, match="numbered from 1"):
        asked(desk, -1)


def test_a_promoted_challenger_has_windows_of_its_own_from_the_first_row(desk: Desk) -> None:
    split(desk, (ONE, 50), (TWO, 50))
    predicted(desk, TWO, range(30))
    split(desk, (TWO, 100), hours=1)
    assert (desk.monitor().model_version, desk.monitor().open_window_rows) == (TWO, 30)


def test_a_reference_that_is_told_later_is_taken_up(desk: Desk) -> None:
    split(desk, (ONE, 50), (TWO, 50), reference=False)
    predicted(desk, TWO, range(30))
    split(desk, (TWO, 100), hours=1)
    predicted(desk, TWO, range(30, 37), hours=2)
    assert desk.monitor().open_window_rows == 7, "only now there is something to compare with"


def test_shadows_are_no_traffic_and_get_the_truths_of_what_others_answered(desk: Desk) -> None:
    split(desk, (ONE, 100), shadow=TWO)
    answered = predicted(desk, ONE, range(10))
    predicted(desk, TWO, range(10), shadow=True)
    told(desk, answered, wrong=3)
    monitor, experiment = desk.monitor(), asked(desk)
    assert (monitor.prediction_count, monitor.open_window_rows, monitor.feedback_count) == (10, 10, 10)
    assert [arm.shadow for arm in experiment.arms] == [False, True]
    assert counts(experiment) == [(10, 10, 0.3), (10, 10, 0.3)]
    assert experiment.comparisons[0].shadow
    assert desk.count("fairlead_drift_predictions_total", deployment=made.DEPLOYMENT) == 10
    assert desk.count("fairlead_drift_shadow_predictions_total", deployment=made.DEPLOYMENT) == 10


def test_who_names_a_shadows_version_gets_an_answer_that_no_comparison_counts(desk: Desk) -> None:
    split(desk, (ONE, 100), shadow=TWO)
    told(desk, predicted(desk, TWO, range(5)), wrong=5)
    assert (desk.monitor().prediction_count, desk.monitor().feedback_count) == (5, 5)
    assert [arm.row_count for arm in asked(desk).arms] == [0, 0]


def test_truths_find_shadows_whichever_of_the_three_comes_first(desk: Desk) -> None:
    desk.settings.drift_early_truths = 100
    split(desk, (ONE, 100), shadow=TWO)
    orders = ("ast", "ats", "sat", "sta", "tas", "tsa")
    for number, order in enumerate(orders):
        for each in order:
            if each == "t":
                told(desk, made.batch(take(ROWS, np.array([number])), first=number))
            else:
                predicted(desk, ONE if each == "a" else TWO, [number], shadow=each == "s")
            desk.restart()
    assert counts(asked(desk)) == [(6, 6, 0.0), (6, 6, 0.0)]
    assert desk.monitor().feedback_count == 6


def test_a_corrected_truth_is_corrected_for_shadows_too_and_repetitions_of_them_do_not_count(desk: Desk) -> None:
    split(desk, (ONE, 100), shadow=TWO)
    answered = predicted(desk, ONE, range(4))
    for _ in range(2):
        predicted(desk, TWO, range(4), shadow=True)
    told(desk, answered, wrong=4)
    told(desk, answered, wrong=1)
    assert counts(asked(desk)) == [(4, 4, 0.25), (4, 4, 0.25)]


def test_the_memory_of_shadows_takes_nothing_from_that_of_answers(desk: Desk) -> None:
    split(desk, (ONE, 100), shadow=TWO)
    answered = predicted(desk, ONE, range(20))
    shadowed = made.batch(made.sample(LATER, 4000, seed=62), first=100, version=TWO, request_rows=10)
    shadowed.shadow = True
    desk.predicted(shadowed)
    told(desk, answered)
    assert desk.monitor().feedback_count == 20


def test_a_sampled_log_tells_of_more_than_it_holds(desk: Desk) -> None:
    split(desk, (ONE, 50), (TWO, 50))
    predicted(desk, ONE, range(10))
    predicted(desk, TWO, range(10, 14), rate=0.1)
    monitor, arms = desk.monitor(), asked(desk).arms
    assert (monitor.prediction_count, monitor.answered_rows, monitor.sampling_rate) == (14, 50.0, 0.1)
    assert [(arm.row_count, arm.estimated_row_count) for arm in arms] == [(10, 10), (4, 40)]


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan")])
def test_a_share_that_is_none_goes_to_the_dead_letters(desk: Desk, rate: float) -> None:
    split(desk, (ONE, 100))
    predicted(desk, ONE, range(3), rate=rate)
    assert desk.monitor().prediction_count == 0
    assert desk.count("fairlead_drift_skipped_total", reason="unreadable") == 1


def test_a_truth_that_can_not_be_read_is_counted_in_no_arm(desk: Desk) -> None:
    split(desk, (ONE, 100), shadow=TWO)
    for version in (ONE, TWO):
        batch = made.batch(take(ROWS, np.arange(2)), version=version)
        batch.ClearField("classes")
        batch.ClearField("probabilities")
        batch.task_type = table_pb2.TASK_TYPE_REGRESSION
        batch.prediction.numbers.values.extend([1.0, 2.0])
        batch.shadow = version == TWO
        desk.predicted(batch)
    desk.told(request_0="five", request_1="4")
    assert [arm.feedback_row_count for arm in asked(desk).arms] == [1, 1]
    assert [metric.value for metric in asked(desk).arms[1].metrics] == [2.0, 4.0]
    assert desk.count("fairlead_drift_skipped_total", reason="feedback_unreadable") == 1
    assert desk.count("fairlead_drift_skipped_total", reason="shadow_feedback_unreadable") == 1


def test_predictions_of_challengers_and_shadows_are_learnt_of_from_serving(desk: Desk) -> None:
    message = made.deployment(desk.reference())
    message.traffic.add(model_version=ONE, percent=100)
    desk.serving.deployments[made.DEPLOYMENT] = message
    with pytest.raises(Unavailable, match="versions/2"):
        predicted(desk, TWO, range(5), shadow=True)
    message.traffic.add(model_version=TWO, shadow=True)
    message.update_time.FromDatetime(made.NOON + timedelta(seconds=1))
    predicted(desk, TWO, range(5), shadow=True)
    assert asked(desk).arms[1].row_count == 5
    assert desk.monitor().prediction_count == 0


def test_an_earlier_serving_tells_of_no_split(desk: Desk) -> None:
    desk.changed(made.deployment(desk.reference()))
    predicted(desk, ONE, range(5))
    assert [(arm.model_version, arm.percent, arm.row_count) for arm in asked(desk).arms] == [(ONE, 100, 5)]


def test_the_experiment_ends_with_its_deployment(desk: Desk) -> None:
    message = split(desk, (ONE, 50), (TWO, 50))
    predicted(desk, ONE, range(5))
    desk.changed(message, deleted=True)
    with pytest.raises(NotFound, match="income"):
        asked(desk)
    with desk.engine.connect() as connection:
        assert experiment_store.find_arm(connection, ArmKey(made.DEPLOYMENT, 1, ONE, False)) is None


def test_the_newest_splits_are_kept(desk: Desk) -> None:
    newest = experiment_store.KEPT + 2
    split(desk, (ONE, 99), (TWO, 1), reference=False)
    # All but the first and the last two are put where an event would put them, which takes a hundredth of the time.
    with desk.engine.begin() as connection:
        for number in range(2, newest - 1):
            targets = (Target(ONE, 99.0), Target(TWO, 1.0))
            hour = made.NOON + timedelta(hours=number)
            experiment_store.add_split(connection, made.DEPLOYMENT, Split(number, 1, hour, targets))
    with desk.engine.connect() as connection:
        assert experiment_store.splits_of(connection, made.DEPLOYMENT)[0].number == 1
    for hours in (newest - 1, newest):
        percent = 1 + hours % 2
        split(desk, (ONE, 100 - percent), (TWO, percent), hours=hours, reference=False)
    with desk.engine.connect() as connection:
        kept = experiment_store.splits_of(connection, made.DEPLOYMENT)
    assert [kept[0].number, kept[-1].number] == [3, experiment_store.KEPT + 2]


def test_what_serves_at_the_upgrade_is_the_first_experiment(tmp_path: Path, database_url: str) -> None:
    older = tmp_path / "older"
    older.mkdir()
    for path in sorted(MIGRATIONS.glob("drift_000[123].py")):
        shutil.copy(path, older)
    engine = open_database(database_url, "drift")
    migrate(engine, older)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO drift_monitors (deployment, project, model_version, policy, severity, prediction_count,"
                " window_count, alert_count, feedback_count, create_time, deployment_time, revision) VALUES"
                " (:deployment, 'demo', :version, '{}', 1, 1234, 0, 0, 0, '2026-01-31 12:00:00', NULL, 1)"
            ),
            {"deployment": made.DEPLOYMENT, "version": ONE},
        )
    migrate(engine, MIGRATIONS)
    with engine.connect() as connection:
        (first,) = experiment_store.splits_of(connection, made.DEPLOYMENT)
        kept = connection.execute(text("SELECT answered_rows, sampling_rate FROM drift_monitors")).one()
    assert (first.number, first.experiment, first.begin_time) == (1, 1, made.NOON)
    assert first.targets == (Target(ONE, 100.0),)
    assert tuple(kept) == (1234.0, 1.0)
    engine.dispose()


def test_truths_of_many_requests_and_two_of_one_row_in_a_batch_count_in_their_order(desk: Desk) -> None:
    split(desk, (ONE, 100), shadow=TWO)
    batch = predicted(desk, ONE, range(120))
    predicted(desk, TWO, range(120), shadow=True)
    right = list(batch.prediction.texts.values)
    wrong = [made.CLASSES[1 - made.CLASSES.index(label)] for label in right]
    # Wrong at first, corrected in the same event; the first ten are told wrong again at its end.
    numbers = [*range(120), *range(120), *range(10)]
    values = [*wrong, *right, *wrong[:10]]
    message = events_pb2.FeedbackBatch(deployment=made.DEPLOYMENT)
    for number, value in zip(numbers, values, strict=True):
        message.feedbacks.add(request_id=f"request-{number}", row=0, value=value)
    desk.intake.take_traffic(desk.published(topics.FEEDBACK, message))
    assert counts(asked(desk)) == [pytest.approx((120, 120, 10 / 120))] * 2
    assert desk.monitor().feedback_count == 120
    assert desk.monitor().performance["accuracy"] == pytest.approx(110 / 120)
