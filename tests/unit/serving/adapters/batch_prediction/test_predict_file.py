"""Files of every kind, predicted part by part: what comes out, what is left out, and what is not done twice."""

from __future__ import annotations

import csv
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.adapters.batch_prediction.text_blocks import text_blocks
from services.serving.adapters.models.package import load_package
from services.serving.domain.batch_prediction.delimited import end_of_records
from services.serving.domain.models.model import Model
from tests.unit.serving import packages
from tests.unit.serving.batch_prediction import Told, predict

NAMES = ["id", "age", "hours-per-week", "workclass"]
ADDED = ["prediction", "probability_<=50K", "probability_>50K"]
HEADER = "id,age,hours-per-week,workclass\n"


@pytest.fixture(scope="module")
def income(tmp_path_factory: pytest.TempPathFactory) -> packages.Package:
    return packages.classifier(tmp_path_factory.mktemp("income") / "package")


@pytest.fixture(scope="module")
def model(income: packages.Package) -> Model:
    return load_package(income.folder, "projects/p/models/m/versions/1")


def census(count: int) -> pa.Table:
    rows, _ = packages.census_rows(count, seed=3)
    return pa.table(
        {
            "id": pa.array(range(count)),
            "age": pa.array(rows[:, 0].astype(int)),
            "hours-per-week": pa.array(rows[:, 1].astype(float)),
            "workclass": pa.array(rows[:, 2].tolist()),
        }
    )


def write(table: pa.Table, path: Path) -> Path:
    if path.suffix == ".parquet":
        pa.parquet.write_table(table, path, row_group_size=300)
    elif path.suffix == ".csv":
        pa.csv.write_csv(table, path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return path


def read(path: Path, format: str) -> list[dict[str, Any]]:
    if format == "jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    table = pa.parquet.read_table(path) if format == "parquet" else pa.csv.read_csv(path)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def saved(folder: Path, text: str | bytes, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_the_result_holds_the_rows_in_order_with_predictions(
    tmp_path: Path, income: packages.Package, model: Model, ending: str, format: str
) -> None:
    table = census(3000)
    file = write(table, tmp_path / f"rows.{ending}")

    made = predict(file, model, format, part_bytes=20_000)

    result = read(made.result, format)
    assert [*result[0]] == [*NAMES, *ADDED]
    assert [int(row["id"]) for row in result] == list(range(3000))
    assert [row["workclass"] for row in result] == table["workclass"].to_pylist()
    assert [row["age"] for row in result] == table["age"].to_pylist()
    expected = income.pipeline.predict_proba(packages.census_rows(3000, seed=3)[0])
    np.testing.assert_allclose([row["probability_>50K"] for row in result], expected[:, 1], atol=1e-6)
    assert [row["prediction"] for row in result] == [(">50K" if row[1] > row[0] else "<=50K") for row in expected]
    assert made.tally.rows == sum(made.tally.labels.values()) == 3000
    assert len(made.told.shares) > 1
    assert made.told.shares == sorted(made.told.shares)
    assert made.told.shares[-1] == 1
    assert made.rejected == ""


def test_a_regression_is_a_column_of_numbers(tmp_path: Path) -> None:
    price = load_package(packages.regressor(tmp_path / "package").folder, "projects/p/models/m/versions/2")
    made = predict(saved(tmp_path, "rooms,age\n4,2\n5,1\n"), price)

    header, *rows = made.result.read_text().splitlines()
    assert header == "rooms,age,prediction"
    assert [row.rsplit(",", 1)[0] for row in rows] == ["4,2", "5,1"]
    np.testing.assert_allclose([float(row.rsplit(",", 1)[1]) for row in rows], [20, 24], atol=1e-4)


def test_a_column_named_like_the_predictions_is_kept_beside_them(tmp_path: Path, model: Model) -> None:
    table = census(10).append_column("prediction", pa.array(["old"] * 10))

    made = predict(write(table, tmp_path / "rows.parquet"), model, "parquet")

    result = pa.parquet.read_table(made.result)
    assert set(result["prediction"].to_pylist()) == {"old"}
    assert set(result["prediction_2"].to_pylist()) <= {"<=50K", ">50K"}


def test_rows_that_can_not_be_read_are_told_with_row_column_and_reason(tmp_path: Path, model: Model) -> None:
    text = HEADER + '1,39,40,Private\n2,old,40,Private\n3,40\n4,41,"4\n0",a\n5,42,x,y,z\n6,43,12,State-gov\n'

    made = predict(saved(tmp_path, text), model, part_bytes=30)

    assert [line.split(",")[0] for line in made.result.read_text().splitlines()] == ["id", "1", "6"]
    assert made.rejected == (
        "row,column,reason,value\n"
        "2,age,is not a number,old\n"
        '3,,has 2 values instead of 4,"3,40"\n'
        '4,hours-per-week,is not a number,"4\n0"\n'
        '5,,has 5 values instead of 4,"5,42,x,y,z"\n'
    )


def test_a_row_with_two_bad_cells_is_one_row_and_two_lines(tmp_path: Path, model: Model) -> None:
    made = predict(saved(tmp_path, HEADER + "1,a,b,c\n2,30,40,d\n"), model, most_rejected=1)

    assert [line.split(",")[:2] for line in made.rejected.splitlines()[1:]] == [["1", "age"], ["1", "hours-per-week"]]


def test_lines_that_are_no_objects_are_left_out(tmp_path: Path, model: Model) -> None:
    good = '{"age": 39, "hours-per-week": 40, "workclass": "Private", "note": {"a": [1]}}'
    text = f'{good}\n{{"age": 39,\n\n[1, 2]\n{{"age": "x", "hours-per-week": 1, "workclass": null}}\n{{}}\n{good}'

    made = predict(saved(tmp_path, text, "rows.jsonl"), model, "jsonl")

    first, empty, last = made.result.read_text().splitlines()
    assert first == last
    assert json.loads(first) | json.loads(good) == json.loads(first)
    assert [*json.loads(empty)] == ADDED
    assert [line.split(",")[0] for line in made.rejected.splitlines()] == ["row", "2", "3", "4"]
    assert "is not JSON" in made.rejected
    assert "is not a JSON object" in made.rejected


def test_a_line_with_a_member_named_like_a_prediction_is_not_given_two(tmp_path: Path, model: Model) -> None:
    good = '{"age": 39, "hours-per-week": 40, "workclass": "Private"}\n'
    clash = '{"age": 39, "hours-per-week": 40, "workclass": "Private", "prediction": 1}\n'
    made = predict(saved(tmp_path, good * 20_000 + clash + good, "rows.jsonl"), model, "jsonl")
    assert made.tally.rows == 20_001
    assert made.rejected.splitlines()[1].startswith("20001,prediction,has the name of a prediction")

    known = tmp_path / "known"
    known.mkdir()
    made = predict(saved(known, good + clash, "rows.jsonl"), model, "jsonl")
    assert [*json.loads(made.result.read_text().splitlines()[1])][3:5] == ["prediction", "prediction_2"]


def test_more_bad_rows_than_allowed_fail_with_what_is_wrong(tmp_path: Path, model: Model) -> None:
    rows = "".join(f"{number},{'old' if number % 2 else 30},40,a\n" for number in range(1, 100))

    with pytest.raises(
        InvalidArgument, match=r"1\d of the first .* limit of 10: row 1, column 'age': 'old' is not a num"
    ):
        predict(saved(tmp_path, HEADER + rows), model, part_bytes=60, most_rejected=10)


def test_a_file_of_bad_rows_alone_fails_whatever_is_allowed(tmp_path: Path, model: Model) -> None:
    with pytest.raises(InvalidArgument, match="none of the 2 rows could be read"):
        predict(saved(tmp_path, HEADER + "1,a,40,b\n2,b,40,c\n"), model)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("id,age,workclass\n1,2,3\n", "reads column 'hours-per-week', which the file has not"),
        ("\xff\xfei\x00d\x00".encode("latin-1"), "UTF-16"),
    ],
)
def test_what_is_no_table_for_the_model_is_refused(tmp_path: Path, model: Model, text: str | bytes, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        predict(saved(tmp_path, text), model)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.parquet"])
def test_an_empty_file_of_another_kind_is_refused(tmp_path: Path, model: Model, name: str) -> None:
    with pytest.raises(InvalidArgument, match=r"empty|is it whole"):
        predict(saved(tmp_path, b"", name), model)


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("text", [HEADER, HEADER.strip()])
def test_a_header_alone_gives_a_file_without_rows(tmp_path: Path, model: Model, text: str, format: str) -> None:
    made = predict(saved(tmp_path, text), model, format)

    assert made.tally.rows == 0
    assert read(made.result, format) == []
    if format == "csv":
        assert made.result.read_text().splitlines() == [",".join([*NAMES, *ADDED])]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_other_delimiters_and_line_ends_are_seen(tmp_path: Path, model: Model, delimiter: str, ending: str) -> None:
    text = HEADER + '7,39,40,"a\n""b"""\n8,40,41, Private \n'
    text = "\ufeff" + text.replace(",", delimiter).replace("\n", ending)

    made = predict(saved(tmp_path, text), model, "jsonl")

    first, second = read(made.result, "jsonl")
    assert (first["id"], first["age"], first["workclass"]) == ("7", 39, f'a{ending}"b"')
    # What stood there is kept; the model is told what it knows.
    assert second["workclass"] == " Private "
    assert second["prediction"] in ("<=50K", ">50K")


def test_values_are_quoted_only_where_they_must_be(tmp_path: Path, model: Model) -> None:
    rows = ['1,39,40,"a,b"', '2,39,40,"say ""x"""', "3,39,40,plain", "4,39,,", '005,39,40,"a\nb"']

    made = predict(saved(tmp_path, HEADER + "\n".join(rows)), model)

    written = made.result.read_text().removeprefix(",".join([*NAMES, *ADDED]) + "\n")
    for row in rows:
        assert f"{row}," in written


def test_western_text_is_read_and_bytes_that_are_no_utf8_are_told(tmp_path: Path, model: Model) -> None:
    made = predict(saved(tmp_path, (HEADER + "1,39,40,caf\xe9\n").encode("cp1252")), model)
    assert ",café," in made.result.read_text("utf-8")
    assert "cp1252" in made.told.notes[0]

    later = tmp_path / "later"
    later.mkdir()
    many = HEADER.encode() + b"1,39,40,caf\xc3\xa9\n" * 100_000 + b"2,39,40,caf\xe9\n3,39,40,d\n"
    made = predict(saved(later, many), model)
    assert made.tally.rows == 100_001
    assert made.rejected.splitlines()[1:] == ["100001,workclass,is not UTF-8,caf\ufffd"]


def test_words_that_mean_missing_are_missing_unless_the_model_knows_them(
    tmp_path: Path, income: packages.Package, model: Model
) -> None:
    file = saved(tmp_path, HEADER + "1,39,NA,Private\n2,39,40,?\n3,39,-,Private\n4, 39 ,40, State-gov\n")
    blank = saved(tmp_path, HEADER + "1,39,,Private\n2,39,40,\n3,39,,Private\n4,39,40,State-gov\n", "blank.csv")

    def scores(path: Path, known: dict[str, list[str]] | None = None) -> list[float]:
        return [row["probability_>50K"] for row in read(predict(path, model, "jsonl", known=known).result, "jsonl")]

    assert scores(file) == scores(blank)
    # The forest has seen neither; that the model knows the word is told by what it is given, not by its answer.
    assert scores(file, {"workclass": ["?"]}) == scores(blank)


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_work_that_was_cut_off_goes_on_and_makes_the_same_bytes(
    tmp_path: Path, model: Model, ending: str, format: str
) -> None:
    class CutOff(Exception):
        pass

    def cut(parts: int) -> None:
        if parts == 3:
            raise CutOff

    folders = [tmp_path / "whole", tmp_path / "cut"]
    files = []
    for folder in folders:
        folder.mkdir()
        files.append(write(census(8000), folder / f"rows.{ending}"))
    whole = predict(files[0], model, format, part_bytes=20_000)

    with pytest.raises(CutOff):
        predict(files[1], model, format, part_bytes=20_000, told=Told(then=cut))
    again = predict(files[1], model, format, part_bytes=20_000)

    assert again.told.resumed[0] >= 3
    assert len(again.told.shares) == len(whole.told.shares) - again.told.resumed[0]
    assert again.result.read_bytes() == whole.result.read_bytes()
    assert again.tally == whole.tally


def test_a_damaged_part_is_made_again(tmp_path: Path, model: Model) -> None:
    file = write(census(3000), tmp_path / "rows.csv")
    whole = predict(file, model, part_bytes=20_000)
    with (tmp_path / "parts" / "part-000001").open("r+b") as part:
        part.seek(50)
        part.write(b"#")

    again = predict(file, model, part_bytes=20_000)

    assert again.told.damage == [1]
    assert again.told.resumed[0] == 1
    assert again.result.read_bytes() == whole.result.read_bytes()


def test_parts_of_another_plan_are_not_taken_up(tmp_path: Path, model: Model) -> None:
    file = write(census(3000), tmp_path / "rows.csv")
    predict(file, model, part_bytes=20_000)

    again = predict(file, model, part_bytes=30_000)

    assert again.told.resumed == (0, 0)
    assert again.tally.rows == 3000


def test_the_result_does_not_depend_on_the_number_of_threads(tmp_path: Path, model: Model) -> None:
    results = []
    for threads in (1, 3):
        folder = tmp_path / str(threads)
        folder.mkdir()
        made = predict(write(census(5000), folder / "rows.csv"), model, "parquet", part_bytes=20_000, threads=threads)
        results.append(made.result.read_bytes())
    assert results[0] == results[1]


def test_a_record_without_an_end_is_told(tmp_path: Path) -> None:
    file = saved(tmp_path, "1,39,40," + "without an end" * 500)
    ends = partial(end_of_records, delimiter=",")

    with pytest.raises(InvalidArgument, match="is a quote not closed"):
        list(text_blocks(file, 0, 0, block_bytes=500, end_of_records=ends, record_bytes=1000))


def test_a_quote_that_is_open_costs_its_row_and_none_behind_it(tmp_path: Path, model: Model) -> None:
    made = predict(saved(tmp_path, HEADER + '1,39,40,a\n2,39,40,"open\n3,39,40,b\n'), model)

    assert made.tally.rows == 2
    reason = "has a quote that is not closed or that closes in the middle of a value"
    assert made.rejected.splitlines()[1:] == [f'2,,{reason},"2,39,40,""open"']


def test_any_cut_of_a_file_gives_the_same_rows(tmp_path: Path, model: Model) -> None:
    random = np.random.default_rng(11)
    texts = ["", "plain", '"a,b"', '"two\nlines"', '"say ""x"""', '5" disk', "caf\u00e9", '"\r\n"', " spaced "]
    rows = [f"{row},{random.integers(17, 80)},40,{texts[random.integers(0, len(texts))]}\n" for row in range(2000)]
    results = []
    for part_bytes in (100, 3000, 1 << 20):
        folder = tmp_path / str(part_bytes)
        folder.mkdir()
        made = predict(saved(folder, HEADER + "".join(rows)), model, part_bytes=part_bytes)
        assert made.tally.rows == 2000
        results.append([*csv.reader(made.result.open(newline="", encoding="utf-8"))])
    assert results[0] == results[1] == results[2]
    assert [row[0] for row in results[0][1:]] == [str(row) for row in range(2000)]
