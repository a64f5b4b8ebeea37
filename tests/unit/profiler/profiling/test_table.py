from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.data import SHARED_DATA
from tests.unit.profiler.tables import profile_of, profile_text


def test_counts_are_those_of_pandas() -> None:
    frame = pd.read_csv(SHARED_DATA / "titanic" / "titanic.csv")
    table = profile_of("titanic/titanic.csv")
    assert (table.rows, table.duplicates) == (len(frame), 0)
    for column in table.columns:
        series = frame[column.name]
        assert (column.count, column.missing, column.distinct) == (
            series.count(), series.isna().sum(), series.nunique(),
        ), column.name  # fmt: skip
        top = column.levels[0]
        assert series.value_counts().iloc[0] == top.count


def test_duplicates_are_those_of_pandas() -> None:
    frame = pd.read_csv(SHARED_DATA / "wine_quality" / "winequality_white.csv", sep=";")
    assert profile_of("wine_quality/winequality_white.csv").duplicates == frame.duplicated().sum() == 937


def test_dates_are_summarised_in_seconds() -> None:
    numbers = profile_of("bike_sharing/bike_sharing_hour.csv.gz").column("dteday").numbers
    assert numbers is not None
    assert numbers.min == pd.Timestamp("2011-01-01").timestamp()
    assert numbers.max == pd.Timestamp("2012-12-31").timestamp()


def test_a_large_table_is_estimated_from_a_sample_and_says_so(tmp_path: Path) -> None:
    text = "n,group,gap\n" + "".join(f"{i % 1000},{'ab'[i % 4 == 0]},{i if i % 10 else ''}\n" for i in range(40_000))
    table = profile_text(text, tmp_path, most_rows=10_000)
    assert table.rows == 40_000
    assert 8_000 < table.sampled_rows < 12_000
    assert table.column("gap").missing == 4_000
    assert table.column("group").estimated
    assert table.column("group").levels[0].count == pytest.approx(30_000, rel=0.05)
    numbers = table.column("n").numbers
    assert numbers is not None
    assert numbers.mean == pytest.approx(499.5, rel=0.05)
