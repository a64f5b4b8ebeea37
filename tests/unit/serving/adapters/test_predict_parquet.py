from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.adapters.batch.arrow_columns import columns_of_batch
from services.serving.adapters.batch.predict_parquet import predict_parquet
from services.serving.adapters.package import load_package
from services.serving.domain.model import Model
from tests.unit.serving import packages
from tests.unit.serving.schemas import INCOME, PRICE


@pytest.fixture(scope="module")
def income(tmp_path_factory: pytest.TempPathFactory) -> packages.Package:
    return packages.classifier(tmp_path_factory.mktemp("income") / "package")


def census(path: Path, count: int = 1000) -> np.ndarray:
    rows, _ = packages.census_rows(count, seed=3)
    table = pa.table(
        {
            "id": pa.array(range(count)),
            "age": pa.array(rows[:, 0].astype(int)),
            "hours-per-week": pa.array(rows[:, 1].astype(float)),
            "workclass": pa.array(rows[:, 2].tolist()),
        }
    )
    pa.parquet.write_table(table, path)
    return rows


def load(package: packages.Package) -> Model:
    return load_package(package.folder, "projects/p/models/m/versions/1")


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_the_result_holds_the_rows_in_order_with_predictions(
    tmp_path: Path, income: packages.Package, format: str
) -> None:
    rows = census(tmp_path / "rows.parquet")
    seen: list[tuple[int, int]] = []
    tally = predict_parquet(
        tmp_path / "rows.parquet",
        tmp_path / "result",
        format,
        load(income),
        batch_rows=300,
        progress=lambda done, total: seen.append((done, total)),
    )
    read = pa.parquet.read_table if format == "parquet" else pa.csv.read_csv
    result = read(tmp_path / "result")
    assert result.column_names == [
        "id", "age", "hours-per-week", "workclass", "prediction", "probability_<=50K", "probability_>50K",
    ]  # fmt: skip
    expected = income.pipeline.predict_proba(rows)
    np.testing.assert_allclose(result["probability_>50K"].to_numpy(), expected[:, 1], atol=1e-6)
    assert result["id"].to_pylist() == list(range(1000))
    assert result["prediction"].to_pylist() == [(">50K" if row[1] > row[0] else "<=50K") for row in expected]
    assert seen == [(300, 1000), (600, 1000), (900, 1000), (1000, 1000)]
    assert tally.rows == sum(tally.labels.values()) == 1000


def test_a_column_named_like_the_predictions_is_kept_beside_them(tmp_path: Path, income: packages.Package) -> None:
    census(tmp_path / "rows.parquet", 10)
    table = pa.parquet.read_table(tmp_path / "rows.parquet").append_column("prediction", pa.array(["old"] * 10))
    pa.parquet.write_table(table, tmp_path / "rows.parquet")
    predict_parquet(
        tmp_path / "rows.parquet",
        tmp_path / "result",
        "parquet",
        load(income),
        batch_rows=5,
        progress=lambda *_: None,
    )
    result = pa.parquet.read_table(tmp_path / "result")
    assert set(result["prediction"].to_pylist()) == {"old"}
    assert set(result["prediction_2"].to_pylist()) <= {"<=50K", ">50K"}


def test_a_file_without_rows_gives_a_file_without_rows(tmp_path: Path, income: packages.Package) -> None:
    census(tmp_path / "rows.parquet", 0)
    tally = predict_parquet(
        tmp_path / "rows.parquet", tmp_path / "result", "csv", load(income), batch_rows=5, progress=lambda *_: None
    )
    assert tally.rows == 0
    assert (tmp_path / "result").read_text().startswith('"id","age"')


def test_a_column_that_is_not_there_is_named(tmp_path: Path, income: packages.Package) -> None:
    pa.parquet.write_table(pa.table({"age": [1.0], "workclass": ["a"]}), tmp_path / "rows.parquet")
    with pytest.raises(InvalidArgument, match="'hours-per-week'"):
        predict_parquet(
            tmp_path / "rows.parquet", tmp_path / "result", "csv", load(income), batch_rows=5, progress=lambda *_: None
        )


def test_every_stored_type_is_read_as_the_model_reads_it() -> None:
    noon = datetime(1970, 1, 1, 12, tzinfo=UTC)
    batch = pa.record_batch(
        {
            "age": pa.array([39, None], pa.int64()),
            "workclass": pa.array(["Private", None]).dictionary_encode(),
            "seen": pa.array([noon, None], pa.timestamp("us", "UTC")),
            "married": pa.array([True, None]),
        }
    )
    age, workclass, seen, married = columns_of_batch(INCOME, batch)
    np.testing.assert_array_equal(age, [39, np.nan])
    assert workclass.tolist() == ["Private", ""]
    np.testing.assert_array_equal(seen, [43200, np.nan])
    np.testing.assert_array_equal(married, [1, np.nan])


def test_dates_decimals_and_texts_are_read_too() -> None:
    batch = pa.record_batch(
        {
            "age": pa.array(["39.5", ""]),
            "workclass": pa.array([3, None], pa.int32()),
            "seen": pa.array([1, None], pa.date32()),
            "married": pa.array(["no", None]),
        }
    )
    age, workclass, seen, married = columns_of_batch(INCOME, batch)
    np.testing.assert_array_equal(age, [39.5, np.nan])
    assert workclass.tolist() == ["3", ""]
    np.testing.assert_array_equal(seen, [86400, np.nan])
    np.testing.assert_array_equal(married, [0, np.nan])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([time(0, 1, 0, 500000), None]), [60.5, np.nan]),
        (pa.array([timedelta(minutes=1), None]), [60.0, np.nan]),
        (pa.array([Decimal("2.5"), None]), [2.5, np.nan]),
        (pa.nulls(2), [np.nan, np.nan]),
    ],
)
def test_times_durations_decimals_and_empty_columns_are_numbers(values: pa.Array, expected: list[float]) -> None:
    columns = columns_of_batch(PRICE, pa.record_batch({"rooms": values, "age": values}))
    np.testing.assert_array_equal(columns[0], expected)
