"""Intervals and sets of labels hold the truth as often as was asked for, on real rows that nothing was fitted on."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import betabinom

from fairlead.kit.errors import FailedPrecondition, InvalidArgument
from services.serving.domain.insights.interval import Interval
from services.serving.domain.models.model import Model
from services.serving.domain.models.prediction import Prediction
from services.trainer.domain.table import TrainingTable
from tests.unit.trainer.export.candidates import fit
from tests.unit.trainer.preparation.tables import adult, sample

from .models import in_order, served

SOURCES = {
    "adult": lambda: adult(6000),
    "wine": lambda: sample("wine_quality/winequality_white.csv", "quality", 4800, delimiter=";"),
    "california": lambda: sample("california_housing/california_housing.csv.gz", "median_house_value", 6000),
}


@cache
def thirds(name: str) -> tuple[TrainingTable, TrainingTable, TrainingTable]:
    """Rows to fit, to calibrate and to try; classes that are too rare to be fitted are left out."""
    whole = SOURCES[name]()
    if whole.classes:
        labels, counts = np.unique(whole.target, return_counts=True)
        whole = whole.take(np.flatnonzero(np.isin(whole.target, labels[counts >= 100])))
        whole = TrainingTable(**{**vars(whole), "classes": tuple(c for c in whole.classes if c in set(whole.target))})
    rows = np.random.default_rng(11).permutation(whole.row_count)
    first, second, third = np.array_split(rows, 3)
    return whole.take(first), whole.take(second), whole.take(third)


def holds(interval: Interval, truth: np.ndarray) -> np.ndarray:
    """Whether each row's interval or set holds the truth."""
    if interval.contains is not None:
        return np.asarray(interval.contains[np.arange(len(truth)), truth.astype(int)])
    assert interval.lower is not None and interval.upper is not None
    return np.asarray((interval.lower <= truth) & (truth <= interval.upper))


def predicted(model: Model, table: TrainingTable) -> Prediction:
    return model.predict(in_order(table, table.columns), table.row_count)


@pytest.mark.parametrize("family", ["lightgbm", "linear", "random_forest"])
@pytest.mark.parametrize("name", ["adult", "wine", "california"])
def test_the_truth_is_covered_as_often_as_asked_for(tmp_path: Path, name: str, family: str) -> None:
    """By chance of the calibration rows and of those tried, hits are beta-binomial; 1 in 1,000 lies outside."""
    train, calibration, tried = thirds(name)
    model = served(tmp_path / "model", fit(train, family), calibration)
    prediction, count = predicted(model, tried), calibration.row_count
    for coverage in (0.8, 0.9, 0.95):
        hits = int(holds(model.interval(prediction, coverage), tried.target_numbers()).sum())
        rank = int(np.ceil((count + 1) * coverage - 1e-9))
        low, high = betabinom.interval(0.999, tried.row_count, rank, count + 1 - rank)
        # Many rows of a forest have the very same score, and all of them count as within.
        high = tried.row_count if family == "random_forest" else high
        assert low <= hits <= high, (coverage, hits / tried.row_count)


def test_more_coverage_takes_wider_intervals_and_larger_sets(tmp_path: Path) -> None:
    for name in ("wine", "california"):
        train, calibration, tried = thirds(name)
        model = served(tmp_path / name, fit(train, "lightgbm"), calibration)
        prediction = predicted(model, tried)
        sizes = []
        for coverage in (0.5, 0.8, 0.9, 0.99):
            found = model.interval(prediction, coverage)
            assert found.coverage == coverage
            sizes.append(
                found.contains.sum(axis=1).mean() if found.contains is not None else (found.upper - found.lower).mean()  # type: ignore[operator]
            )
        assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


def test_too_few_calibration_rows_for_a_coverage_are_told(tmp_path: Path) -> None:
    """19 rows suffice for 0.95, whose limit is then the largest score; nothing less does."""
    train, calibration, tried = thirds("california")
    fitted = fit(train, "linear")
    few = served(tmp_path / "few", fitted, calibration.take(np.arange(19)))
    prediction = predicted(few, tried)
    widest = few.interval(prediction, 0.95)
    worst = np.abs(calibration.target_numbers()[:19] - fitted.predict_columns(calibration.columns)[:19]).max()
    np.testing.assert_allclose(widest.upper - prediction.values, worst, rtol=1e-3)  # type: ignore[operator]
    with pytest.raises(FailedPrecondition, match=r"19 held-out rows.*ask for 0\.95 at most"):
        few.interval(prediction, 0.96)


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.1, 90.0, float("nan")])
def test_a_coverage_that_is_no_share_is_refused(tmp_path: Path, coverage: float) -> None:
    train, calibration, tried = thirds("california")
    model = served(tmp_path / "model", fit(train, "linear"), calibration)
    with pytest.raises(InvalidArgument, match="between 0 and 1"):
        model.interval(predicted(model, tried), coverage)
