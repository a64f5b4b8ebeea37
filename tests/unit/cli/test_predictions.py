from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from services.gateway.schemas.prediction import PredictionResponse
from tests.unit.cli.conftest import Shell
from tests.unit.client.messages import task, told
from tests.unit.client.stage import Answer, Stage, events

PREDICT = "POST /deployments/income:predict"
EVENTS = "GET /tasks/t1/events"


def test_a_row_of_pairs_is_predicted(stage: Stage, shell: Shell) -> None:
    stage.answer(PREDICT, PredictionResponse.example())

    out = shell.ok("predict income age=39 workclass=State-gov education=")

    assert stage.last.json == {"rows": [{"age": 39, "workclass": "State-gov", "education": None}]}
    assert [line.split() for line in out.splitlines()] == [
        ["row", "prediction", "probabilities"],
        ["0", "<=50K", "<=50K", "0.9100,", ">50K", "0.0900"],
        ["request", "order-17,", "model", "adult/1"],
    ]


def test_a_regression_shows_values_only(stage: Stage, shell: Shell) -> None:
    stage.answer(PREDICT, PredictionResponse.example() | {"predictions": [{"value": 206855.8}, {"value": None}]})

    lines = shell.ok("predict income age=39").splitlines()

    assert [line.split() for line in lines[:3]] == [["row", "prediction"], ["0", "206,855.8"], ["1"]]


def test_rows_of_a_file_or_of_standard_input(
    stage: Stage, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.answer(PREDICT, PredictionResponse.example())
    (tmp_path / "rows.csv").write_text("age\n39\n40\n")

    assert shell.json("predict income --file rows.csv") == PredictionResponse.example()
    assert stage.last.json == {"rows": [{"age": 39}, {"age": 40}]}

    monkeypatch.setattr("sys.stdin", io.StringIO('{"age": 41}\n'))
    shell.ok("predict income --file -")
    assert stage.last.json == {"rows": [{"age": 41}]}


def test_no_rows_are_a_usage_error(stage: Stage, shell: Shell) -> None:
    said = shell.run("predict income age")

    assert said.status == 2
    assert "'age' is not COLUMN=VALUE" in said.err
    assert not stage.asked


def play_batch(stage: Stage) -> None:
    stage.answer("POST /deployments/income:batchPredict", task("pending"))
    stage.answer(EVENTS, events(told(1, "succeeded", result={"row_count": 1000})))
    stage.answer("GET /tasks/t1/result", Answer(b"prediction\n1\n", kind="text/csv"))


@pytest.mark.parametrize("dataset", ["adult", "adult/versions/2", "projects/default/datasets/adult/versions/2"])
def test_a_dataset_is_predicted_and_saved_beside_its_name(
    stage: Stage, shell: Shell, tmp_path: Path, dataset: str
) -> None:
    play_batch(stage)

    assert shell.ok(f"predict-batch income {dataset}") == "1,000 predictions in adult-predictions.csv\n"
    assert (tmp_path / "adult-predictions.csv").read_text() == "prediction\n1\n"


def test_a_file_is_predicted_as_it_is(stage: Stage, shell: Shell, tmp_path: Path) -> None:
    play_batch(stage)
    (tmp_path / "new.csv").write_text("age\n39\n")
    stage.answer("POST /files", {"sha256": "ab" * 32, "size": 7})

    assert shell.ok("predict-batch income new.csv") == "1,000 predictions in new-predictions.csv\n"

    assert stage.asked[0].body == b"age\n39\n"
    assert stage.asked[1].json == {"file": {"sha256": "ab" * 32, "file_name": "new.csv"}, "format": "csv"}


@pytest.mark.parametrize(
    ("options", "format"),
    [
        ("-o out.parquet", "parquet"),
        ("-o out.jsonl", "jsonl"),
        ("-o out.txt --format csv", "csv"),
        ("-o out", "csv"),
        ("-o out.pq", "parquet"),
        ("-o out.ndjson", "jsonl"),
        ("-o a.csv --format jsonl", "jsonl"),
    ],
)
def test_the_outputs_name_tells_its_format(
    stage: Stage, shell: Shell, tmp_path: Path, options: str, format: str
) -> None:
    play_batch(stage)
    (tmp_path / "new.parquet").write_bytes(b"PAR1")
    stage.answer("POST /files", {"sha256": "ab" * 32, "size": 4})

    shell.ok(f"predict-batch income new.parquet {options} --model adult/3 --max-rejected 5")

    assert stage.asked[1].json == {
        "file": {"sha256": "ab" * 32, "file_name": "new.parquet"},
        "format": format,
        "model_version": "projects/default/models/adult/versions/3",
        "max_rejected_rows": 5,
    }


def test_rows_that_were_left_out_are_saved_beside_the_result(stage: Stage, shell: Shell, tmp_path: Path) -> None:
    play_batch(stage)
    stage.answer(EVENTS, events(told(1, "succeeded", result={"row_count": 998, "rejected_row_count": 2})))
    (tmp_path / "new.csv").write_text("age\n39\n")
    stage.answer("POST /files", {"sha256": "ab" * 32, "size": 7})

    said = shell.run("predict-batch income new.csv -o out.jsonl")

    assert "2 rows can't be read and were left out; out.rejected.csv tells why" in said.err
    assert (tmp_path / "out.rejected.csv").is_file()
    assert stage.last.query == {"file": "rejected"}


@pytest.mark.parametrize("command", ["new.csv --as-dataset", "new.xlsx"])
def test_a_file_is_imported_first_where_told_or_needed(
    stage: Stage, shell: Shell, tmp_path: Path, command: str
) -> None:
    play_batch(stage)
    (tmp_path / command.split()[0]).write_text("age\n39\n")
    stage.answer("POST /datasets", task("pending"))
    imported = told(1, "succeeded", result={"name": "projects/default/datasets/new/versions/1"})
    stage.answer(EVENTS, events(imported), events(told(1, "succeeded", result={"row_count": 1})))

    saved = shell.json(f"predict-batch income {command} --output out.parquet")

    assert saved == {"row_count": 1, "saved_to": "out.parquet"}
    assert stage.asked[2].json == {
        "dataset_version": "projects/default/datasets/new/versions/1",
        "format": "parquet",
    }


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("out.xlsx", "let the name end with .csv, .parquet or .jsonl"),
        ("nowhere/out.csv", "there is no folder 'nowhere' to save 'out.csv' in"),
        ("folder", "'folder' is a folder; name a file in it"),
    ],
)
def test_a_place_for_no_result_is_refused_before_the_work(
    stage: Stage, shell: Shell, tmp_path: Path, output: str, said: str
) -> None:
    (tmp_path / "new.csv").write_text("age\n39\n")
    (tmp_path / "folder").mkdir()

    refused = shell.run(f"predict-batch income new.csv -o {output}")

    assert refused.status == 2
    assert said in " ".join(refused.err.replace("│", " ").split())
    assert not stage.asked


def test_a_result_is_had_again(stage: Stage, shell: Shell, tmp_path: Path) -> None:
    made = {"row_count": 998, "rejected_row_count": 2, "format": "jsonl"}
    stage.answer("GET /tasks/t1", task("succeeded", kind="batch_predict", result=made))
    stage.answer("GET /tasks/t1/result", Answer(b'{"prediction": 1}\n', kind="application/x-ndjson"))

    said = shell.run("tasks result t1")
    assert said.out == "998 predictions in predictions-t1.jsonl\n"
    assert "2 rows can't be read and were left out; predictions-t1.rejected.csv tells why" in said.err
    assert (tmp_path / "predictions-t1.jsonl").read_text() == '{"prediction": 1}\n'
    assert shell.json("tasks result t1 -o again.jsonl")["saved_to"] == "again.jsonl"

    refused = shell.run("tasks result t1 -o again.csv")
    assert refused.status == 2
    assert "the result is jsonl" in refused.err


def test_a_result_that_is_not_there_says_what_to_do(stage: Stage, shell: Shell) -> None:
    stage.answer("GET /tasks/t1", task("running"), task("failed", error="the file is empty"))

    assert "t1 is running; follow it: fairlead tasks logs -f t1" in shell.run("tasks result t1").err
    failed = shell.run("tasks result t1")
    assert failed.status == 1
    assert "the file is empty" in failed.err


def test_a_result_that_could_not_be_saved_is_kept_and_said_to_be(stage: Stage, shell: Shell, tmp_path: Path) -> None:
    play_batch(stage)
    # What would be saved beside the result is in the way of it.
    (tmp_path / "adult-predictions.csv.part").mkdir()

    said = shell.run("predict-batch income adult")

    assert said.status == 1
    assert "the result is kept; once there is a place for it: fairlead tasks result t1 -o FILE" in said.err


def test_truths_are_recorded_row_by_row(stage: Stage, shell: Shell) -> None:
    stage.answer("POST /deployments/income:feedback", {"accepted_count": 2})

    assert shell.ok('feedback income order-17 "<=50K" ">50K"') == "Recorded 2 truths\n"
    assert stage.last.json["truths"][1] == {"request_id": "order-17", "row": 1, "value": ">50K"}


def lines(text: str) -> str:
    """Return what stands in a box as one line."""
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('age,job\n39,a\n40,"b\n41,c\n', "line 3 has a quote that is not closed"),
        ("age,job\n39,a\n40\n", "line 3 has 1 values instead of the header's 2"),
        ('age,job\n39,"a' + "b" * 200_000, "line 2 has a quote that is not closed"),
        ("# Title\n\nSome text, and more\n", "rows.csv, read as CSV: line 3 has 2 values"),
    ],
)
def test_a_file_with_a_broken_line_is_refused_and_nothing_predicted(
    stage: Stage, shell: Shell, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "rows.csv").write_text(text)

    refused = shell.run("predict income --file rows.csv")

    assert refused.status == 2
    assert said in lines(refused.err)
    assert "Traceback" not in refused.err
    assert not stage.asked


WRONG = "row 1, column 'age': expected a number, got 'old'; send null where the value is missing"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("--file rows.csv", "line 4, column 'age': expected a number, got 'old'; leave the cell empty where"),
        ("--file rows.csv", "(rows.csv was read as CSV)"),
        ("age=old", "row 1, column 'age': expected a number, got 'old'; give COLUMN= where the value is missing"),
        ("--file rows.json", WRONG),
    ],
)
def test_a_refusal_speaks_of_the_files_lines_and_empty_cells(
    stage: Stage, shell: Shell, tmp_path: Path, command: str, said: str
) -> None:
    (tmp_path / "rows.csv").write_text("age\n39\n\nold\n")
    (tmp_path / "rows.json").write_text('[{"age": 39}, {"age": "old"}]')
    problem = {"title": "t", "status": 400, "code": "INVALID_ARGUMENT", "detail": WRONG}
    stage.answer(PREDICT, Answer(json.dumps(problem).encode(), status=400, kind="application/problem+json"))

    refused = shell.run(f"predict income {command}")

    assert refused.status == 1
    assert said in lines(refused.err)


@pytest.mark.parametrize(("source", "output"), [("new.csv", "new.csv"), ("a.rejected.csv", "./a.csv")])
def test_a_result_is_not_written_over_what_is_predicted(
    stage: Stage, shell: Shell, tmp_path: Path, source: str, output: str
) -> None:
    (tmp_path / source).write_text("age\n39\n")

    refused = shell.run(f"predict-batch income {source} -o {output}")

    assert refused.status == 2
    assert "would be written over the file that is predicted" in lines(refused.err)
    assert not stage.asked


def test_a_prediction_that_is_left_goes_on_and_says_how_to_find_it(
    stage: Stage, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    play_batch(stage)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fairlead.cli.predictions.TaskProgress.__call__", interrupted)
    said = shell.run("predict-batch income adult")

    assert said.status == 130
    assert "task t1\n" in said.err
    assert "interrupted; the prediction goes on as task t1" in said.err
    assert "fairlead tasks result t1" in said.err
    assert "fairlead tasks cancel t1" in said.err


def test_a_prediction_whose_worker_was_killed_says_to_run_it_again(stage: Stage, shell: Shell) -> None:
    play_batch(stage)
    stage.answer(EVENTS, events(told(1, "failed", error="the work ended with signal 9 (SIGKILL): it was killed")))

    said = shell.run("predict-batch income adult")

    assert said.status == 1
    assert "it was killed; run it again: it goes on where it was" in said.err
