from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from services.trainer.domain.preparation import PreparationPipeline, StepSpec
from services.trainer.domain.preparation.calendar import PARTS, calendar_part

from .tables import sample, table

MOMENTS = pd.date_range("1899-12-28", "2105-03-03", freq="97h13min7s")


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("year", MOMENTS.year),
        ("quarter", MOMENTS.quarter),
        ("month", MOMENTS.month),
        ("day", MOMENTS.day),
        ("day_of_year", MOMENTS.day_of_year),
        ("weekday", MOMENTS.day_of_week),
        ("is_weekend", MOMENTS.day_of_week >= 5),
        ("hour", MOMENTS.hour),
        ("minute", MOMENTS.minute),
        ("second", MOMENTS.second),
        ("elapsed_days", (MOMENTS - pd.Timestamp(0)).days),
    ],
)
def test_parts_are_those_of_the_civil_calendar(part: str, expected: pd.Index) -> None:
    seconds = ((MOMENTS - pd.Timestamp(0)) / pd.Timedelta(seconds=1)).to_numpy()
    np.testing.assert_array_equal(calendar_part(seconds, part, np.floor), np.asarray(expected, dtype=float))


def test_every_part_is_tested_above_and_a_missing_moment_has_missing_parts() -> None:
    assert len(PARTS) == 11
    assert all(np.isnan(calendar_part(np.array([np.nan]), part, np.floor)).all() for part in PARTS)


def test_parts_that_never_change_are_left_out() -> None:
    days = [datetime(2024, 2, 27, tzinfo=UTC) + timedelta(days=number) for number in range(6)]
    read = table({"day": days}, ["p", "q"] * 3)
    pipeline = PreparationPipeline(
        [StepSpec("parts", "datetime_parts", ("day",), {"parts": ["year", "month", "day"]})], "lightgbm"
    )
    pipeline.fit(read)
    assert pipeline.feature_names == ("day.month", "day.day")
    assert pipeline.transform(read.columns)[2].tolist() == [2, 29]
    assert pipeline.reports[0].message == "Took month, day from 'day' in 6 rows"


def test_parts_can_be_imputed_by_the_column_or_by_their_own_name() -> None:
    days = [datetime(2024, 1, day, tzinfo=UTC) if day < 6 else None for day in range(1, 8)]
    read = table({"day": days}, ["p", "q"] * 3 + ["p"])
    parts = StepSpec("parts", "datetime_parts", ("day",), {"parts": ["day"]})
    for steps in (
        [parts, StepSpec("fill", "impute", ("day",))],
        [parts, StepSpec("fill", "impute", ("day.day",))],
        [StepSpec("fill", "impute", ("day",)), parts],
    ):
        pipeline = PreparationPipeline(steps, "lightgbm").fit(read)
        assert pipeline.transform({"day": np.array([np.nan])}).tolist() == [[3.0]]


def test_taxi_trips_get_hours_and_weekdays_without_any_step() -> None:
    taxis = sample("nyc_taxis/nyc_taxis.csv.gz", "total", 500)
    pipeline = PreparationPipeline([], "lightgbm").fit(taxis)
    assert {"pickup.hour", "pickup.weekday", "dropoff.hour"} <= set(pipeline.feature_names)
    assert "pickup.year" not in pipeline.feature_names


def test_the_bike_day_agrees_with_the_columns_of_the_file() -> None:
    bikes = sample("bike_sharing/bike_sharing_hour.csv.gz", "cnt", 2000)
    pipeline = PreparationPipeline(
        [StepSpec("parts", "datetime_parts", ("dteday",), {"parts": ["month", "year"]})], "xgboost"
    )
    features = dict(zip(pipeline.fit(bikes).feature_names, pipeline.transform(bikes.columns).T, strict=True))
    np.testing.assert_array_equal(features["dteday.month"], features["mnth"])
    np.testing.assert_array_equal(features["dteday.year"] - 2011, features["yr"])
