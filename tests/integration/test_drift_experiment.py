"""An experiment in the drift service as its own process: real rows and labels, over the event log, and a kill."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from fairlead.api.drift.v1 import experiment_pb2, experiment_service_pb2, experiment_service_pb2_grpc
from fairlead.api.events.v1 import events_pb2
from fairlead.kit.errors import FairleadError, NotFound, Unavailable
from fairlead.kit.events import topics
from tests.integration.test_drift_service import House
from tests.ports import free_port
from tests.unit.drift import events as made
from tests.unit.drift.capture import Table, read_table, take

EXPERIMENT = f"{made.DEPLOYMENT}/experiment"
CHAMPION, CHALLENGER = made.VERSION_1, made.VERSION_2
SHADOW = "projects/demo/models/income/versions/3"
CALLS = 1500


class Experiments:
    """Asks the drift service of a house."""

    def __init__(self, house: House) -> None:
        self._stub = experiment_service_pb2_grpc.ExperimentServiceStub(house.channel)

    def get(self, number: int = 0) -> experiment_pb2.Experiment:
        request = experiment_service_pb2.GetExperimentRequest(name=EXPERIMENT, number=number)
        return self._stub.GetExperiment(request).experiment

    def wait_for(self, seen: Callable[[experiment_pb2.Experiment], bool]) -> experiment_pb2.Experiment:
        """Return the experiment once it is as wanted; the test's own time limit ends a wait in vain."""
        while True:
            try:
                experiment = self.get()
                if seen(experiment):
                    return experiment
            except (NotFound, Unavailable):
                pass
            time.sleep(0.05)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, serving_port=free_port())
    yield house
    house.close()


def rows_and_labels() -> tuple[Table, list[str]]:
    """Return rows of Adult, and what was earned in truth."""
    table = read_table("adult/adult.csv")
    labels = [str(label) for label in table.pop("income-per-year")]
    index = np.random.default_rng(7).choice(len(labels), CALLS, replace=False)
    return take(table, index), [labels[row] for row in index]


def by_education(rows: Table) -> Table:
    """Return the rows as answered by a model that looks at nothing but years of education."""
    return rows | {"score": np.where(np.asarray(rows["education-num"], dtype=np.float64) >= 13, 0.8, 0.2)}


def by_chance(rows: Table) -> Table:
    """Return the rows as answered by one that knows nothing."""
    return rows | {"score": np.random.default_rng(9).random(CALLS)}


def split(house: House, percent: float, hours: float = 0) -> None:
    """Tell of a split in which the challenger answers so many percent, with a shadow beside."""
    message = made.deployment(house.package(made.adult(), f"m{hours}"), update_time=made.NOON + timedelta(hours=hours))
    message.traffic.add(model_version=CHAMPION, percent=100 - percent)
    message.traffic.add(model_version=CHALLENGER, percent=percent)
    message.traffic.add(model_version=SHADOW, shadow=True)
    house.deploy(message)


def answer(house: House, rows: Table, numbers: np.ndarray, version: str, *, shadow: bool = False) -> None:
    """Publish the calls of these numbers, in batches as serving makes them."""
    for part in np.array_split(numbers, 5):
        batch = made.batch(take(rows, part), version=version)
        batch.shadow = shadow
        for request, number in zip(batch.requests, part, strict=True):
            request.request_id = f"call-{number}"
            request.time.FromDatetime(made.NOON + timedelta(seconds=int(number)))
        house.events.publish(topics.PREDICTIONS, made.DEPLOYMENT, batch)


def tell(house: House, labels: list[str], numbers: np.ndarray) -> None:
    for part in np.array_split(numbers, 5):
        message = made.feedback({f"call-{number}": labels[number] for number in part})
        house.events.publish(topics.FEEDBACK, made.DEPLOYMENT, message)


def errors(experiment: experiment_pb2.Experiment) -> list[float]:
    return [arm.metrics[0].value for arm in experiment.arms]


def test_two_versions_and_a_shadow_are_compared_across_a_kill(house: House) -> None:
    rows, labels = rows_and_labels()
    challenged = np.random.default_rng(8).random(CALLS) < 0.5
    ours, theirs, half = np.flatnonzero(~challenged), np.flatnonzero(challenged), np.arange(CALLS) < CALLS // 2
    worse, better = by_chance(rows), by_education(rows)
    answers = ((worse, ours), (better, theirs), (worse, np.arange(CALLS)))
    experiments = Experiments(house)
    split(house, 50)
    house.start()
    experiments.wait_for(lambda _: True)
    # The first half of the truths comes before the predictions of the shadow, some before those of anybody.
    answer(house, worse, ours, CHAMPION)
    tell(house, labels, np.flatnonzero(half))
    answer(house, better, theirs, CHALLENGER)
    answer(house, worse, np.arange(CALLS), SHADOW, shadow=True)
    early = experiments.wait_for(lambda found: found.arms[2].feedback_row_count == CALLS // 2)
    assert [arm.row_count for arm in early.arms] == [len(ours), len(theirs), CALLS]
    house.kill()

    house.start()
    assert experiments.wait_for(lambda _: True) == early
    split(house, 80, hours=1)
    tell(house, labels, np.arange(CALLS))
    found = experiments.wait_for(lambda found: found.arms[2].feedback_row_count == CALLS)
    assert (found.number, [arm.percent for arm in found.arms]) == (1, [20, 80, 0])
    assert [arm.feedback_row_count for arm in found.arms] == [len(ours), len(theirs), CALLS]
    predicted = [np.asarray(table["score"], dtype=np.float64)[numbers] >= 0.5 for table, numbers in answers]
    right = [np.array([label == made.CLASSES[1] for label in labels])[numbers] for _, numbers in answers]
    assert errors(found) == pytest.approx([(one != other).mean() for one, other in zip(predicted, right, strict=True)])
    challenger, shadow = found.comparisons
    assert challenger.verdict == experiment_pb2.EXPERIMENT_VERDICT_CHALLENGER_BETTER, found.summary
    assert challenger.differences[0].upper < 0
    assert shadow.verdict == experiment_pb2.EXPERIMENT_VERDICT_UNDECIDED and shadow.shadow
    assert house.monitor().prediction_count == CALLS

    _promote(house)
    alone = experiments.wait_for(lambda found: found.number == 2)
    assert len(alone.arms) == 1 and not alone.comparisons
    assert list(experiments.get(1).comparisons) == list(found.comparisons)
    with pytest.raises(FairleadError, match="no experiment 9"):
        experiments.get(9)
    assert house.stop() == 0


def _promote(house: House) -> None:
    message = made.deployment(house.package(made.adult(), "m2"), CHALLENGER, made.NOON + timedelta(hours=2))
    message.traffic.add(model_version=CHALLENGER, percent=100)
    change = events_pb2.DeploymentChanged(deployment=message)
    house.events.publish(topics.DEPLOYMENTS, message.name, change)
