"""What is left out of a block: told in order, up to the most that is allowed, without an object a fault."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.adapters.batch_prediction.faults import Faults, read_faults
from services.serving.adapters.models.package import load_package
from services.serving.domain.batch_prediction.parts import Fault
from services.serving.domain.models.model import Model
from tests.unit.serving import packages
from tests.unit.serving.batch_prediction import predict

HEADER = "age;hours-per-week;workclass\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    package = packages.classifier(tmp_path_factory.mktemp("income") / "package")
    return load_package(package.folder, "projects/p/models/m/versions/1")


def test_faults_come_back_in_the_order_of_their_records(tmp_path: Path) -> None:
    faults = Faults(most=10)
    faults.add(Fault(3, "", "has 2 values", "a,b"))
    faults.add_cells(np.array([0, 5]), "age", "is not a number", pa.array(["x" * 300, "y"]))
    faults.add_cells(np.array([0]), "hours", "is not a number", pa.array([None], pa.string()))
    faults.reject(2)
    (tmp_path / "faults").write_bytes(faults.to_bytes())

    (read,) = [batch.to_pylist() for batch in read_faults(tmp_path / "faults")]

    assert [(row["record"], row["column"]) for row in read] == [(0, "age"), (0, "hours"), (3, ""), (5, "age")]
    assert (read[0]["value"], read[2]["reason"]) == ("x" * 200, "has 2 values")
    assert faults.rejected == 3
    assert [fault.record for fault in faults.first()] == [0, 0, 3]
    assert not faults.is_full


def test_no_faults_are_no_bytes() -> None:
    assert Faults(most=0).to_bytes() == b""
    assert Faults(most=0).first() == ()


def most_python_bytes(file: Path, model: Model, most_rejected: int) -> tuple[int, str]:
    """Predict a file none of whose rows can be read; return the most that Python objects took, and what was said."""
    tracemalloc.start()
    try:
        with pytest.raises(InvalidArgument) as refused:
            predict(file, model, threads=1, most_rejected=most_rejected)
        return tracemalloc.get_traced_memory()[1], str(refused.value)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("row", "said"),
    [("{n},5;4,{n};a", "row 1, column 'age': '0,5' is not a number"), ("{n}", "row 1: '0' has 1 values instead of 3")],
)
@pytest.mark.parametrize("most_rejected", [100, 1_000_000])
def test_memory_stays_bounded_where_every_row_is_bad(
    tmp_path: Path, model: Model, row: str, said: str, most_rejected: int
) -> None:
    """A hundred thousand rows, up to two bad cells each, took 80 to 140 MB as an object a fault."""
    file = tmp_path / "rows.csv"
    file.write_text(HEADER + "".join(row.format(n=number) + "\n" for number in range(100_000)))

    most, told = most_python_bytes(file, model, most_rejected)

    limit = "more than the limit of 100:" if most_rejected == 100 else "none of the 100,000 rows could be read:"
    assert f"{limit} {said}" in told
    assert most < 25_000_000


def test_every_fault_of_a_part_is_told_where_that_is_allowed(tmp_path: Path, model: Model) -> None:
    file = tmp_path / "rows.csv"
    rows = [f"{number},5;4;a\n2;3\n" if number % 2 else f"{number};40;a\n" for number in range(30_000)]
    file.write_text(HEADER + "".join(rows))

    made = predict(file, model, most_rejected=30_000)

    told = [line.split(",", 2)[:2] for line in made.rejected.splitlines()[1:]]
    assert made.tally.rows == 15_000
    assert told == [[str(3 * pair + 2 + cell), "" if cell else "age"] for pair in range(15_000) for cell in (0, 1)]
