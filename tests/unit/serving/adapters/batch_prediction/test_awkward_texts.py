"""Text files that are not quite as they should be: read as they are meant, or refused with what is wrong and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.adapters.batch_prediction import text_blocks as blocks
from services.serving.adapters.models.package import load_package
from services.serving.domain.models.model import Model
from tests.unit.serving import packages
from tests.unit.serving.batch_prediction import predict

HEADER = "id,age,hours-per-week,workclass"
OPEN = 'id,"age,hours-per-week,workclass\n'
ADDED = "prediction,probability_<=50K,probability_>50K"
GOOD = {"age": 39, "hours-per-week": 40, "workclass": "Private"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    package = packages.classifier(tmp_path_factory.mktemp("income") / "package")
    return load_package(package.folder, "projects/p/models/m/versions/1")


@pytest.fixture(scope="module")
def french(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model one of whose labels is not ASCII, and one has a sign that JSON may spell with an escape."""
    package = packages.classifier(tmp_path_factory.mktemp("french") / "package")
    manifest = package.folder / "manifest.json"
    text = manifest.read_text("utf-8").replace("<=50K", "élevé").replace(">50K", "bas/nul")
    manifest.write_text(text, "utf-8")
    return load_package(package.folder, "projects/p/models/m/versions/2")


def saved(folder: Path, text: str | bytes, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def ids(result: Path) -> list[str]:
    return [line.split(",")[0] for line in result.read_text().splitlines()[1:]]


@pytest.mark.parametrize("blank", ["\n", "\r\n\r\n", "   \n\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_blank_lines_before_the_header_are_passed_over(tmp_path: Path, model: Model, blank: str, mark: str) -> None:
    made = predict(saved(tmp_path, f"{mark}{blank}{HEADER}\n1,39,40,a\n2,old,40,b\n"), model)

    assert made.result.read_text().splitlines()[0] == f"{HEADER},{ADDED}"
    assert ids(made.result) == ["1"]
    assert made.rejected.splitlines()[1:] == ["2,age,is not a number,old"]


@pytest.mark.parametrize("part_bytes", [30, 1 << 20])
@pytest.mark.parametrize("end", ["\r", ""])
def test_lines_may_end_with_carriage_returns_alone(tmp_path: Path, model: Model, end: str, part_bytes: int) -> None:
    rows = ["1,39,40,a", "2,old,40,b", '3,41,40,"c,d"', "4,41,40", "5,42,40,e"]

    made = predict(saved(tmp_path, "\r".join([HEADER, *rows]) + end), model, part_bytes=part_bytes)

    assert ids(made.result) == ["1", "3", "5"]
    assert made.rejected.splitlines()[1:] == ["2,age,is not a number,old", '4,,has 3 values instead of 4,"4,41,40"']
    assert "carriage returns" in made.told.notes[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'id,"age,hours-per-week,workclass\n' + "1,39,40,a\n" * 3,
            "header has a quote that is not closed; it begins 'id,",
        ),
        (
            'id,"age,hours-per-week,workclass\n1,39,40,"a"\n',
            "header goes on over 2 lines.* one of its quotes not closed",
        ),
        ('id,"age,hours-per-week,workclass\n' + "1,39,40,a\n" * 200_000, "header has a quote that is not closed"),
        (
            f"{HEADER}\r1,39,40,a\r2,39,40,b\n3,39,40,c\n",
            "header can't be read .*begins 'id,age.* ends like all others",
        ),
        ("a" * 200_000 + "," + HEADER + "\n1,2,3,4,5\n", "header can't be read .*field larger than"),
    ],
)
def test_a_header_that_can_not_be_read_is_refused_with_what_is_wrong(
    tmp_path: Path, model: Model, text: str, said: str
) -> None:
    with pytest.raises(InvalidArgument, match=said):
        predict(saved(tmp_path, text), model)


def test_a_header_may_be_longer_than_the_beginning_that_is_looked_at(tmp_path: Path, model: Model) -> None:
    more = [f"column number {number}" for number in range(60_000)]
    names = ",".join([*more, HEADER])
    assert len(names) > blocks.SAMPLE_BYTES

    made = predict(saved(tmp_path, f"{names}\n{',' * len(more)}1,39,40,a\n"), model)

    assert made.tally.rows == 1


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_a_first_line_without_an_end_is_refused(tmp_path: Path, model: Model, name: str) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(blocks.RECORD_BYTES + 1)

    with pytest.raises(InvalidArgument, match=r"first line (does not end within|is longer than) 67,108,864 bytes"):
        predict(path, model)


def test_two_objects_in_a_line_are_told_and_no_other_line_gets_what_is_theirs(tmp_path: Path, model: Model) -> None:
    lines = [json.dumps({"id": number, **GOOD}) for number in range(4)]
    two = f"{lines[1]} {lines[2]}"
    for text in (f"{lines[0]}\n   \n{two}\n{lines[3]}\n", f"{lines[0]}\n{two}\n{lines[3][:-1]}\n}}\n"):
        made = predict(saved(tmp_path, text, "rows.jsonl"), model, "jsonl")

        result = [json.loads(line) for line in made.result.read_text().splitlines()]
        assert [row["id"] for row in result] == ([0, 3] if "   " in text else [0])
        assert made.rejected.splitlines()[1].startswith("2,,is not JSON")
        for part in (tmp_path / "parts").iterdir():
            part.unlink()


@pytest.mark.parametrize(
    "spelled", ['"probability_élevé"', json.dumps("probability_élevé"), r'"probability_bas\/nul"', r'"pr\u0065diction"']
)
def test_a_member_named_like_a_prediction_is_seen_however_it_is_spelled(
    tmp_path: Path, french: Model, spelled: str
) -> None:
    good = json.dumps({**GOOD, "note": 'say "x" \\', "text": "caf\u00e9"})
    clash = f"{good[:-1]}, {spelled}: 1}}"
    made = predict(saved(tmp_path, f"{good}\n" * 12_000 + f"{clash}\n{good}\n", "rows.jsonl"), french, "jsonl")

    assert made.tally.rows == 12_001
    name = json.loads("{" + spelled + ": 1}").popitem()[0]
    assert made.rejected.splitlines()[1].startswith(f"12001,{name},has the name of a prediction")


def test_the_first_line_may_be_longer_than_the_beginning_that_is_looked_at(tmp_path: Path, model: Model) -> None:
    first = json.dumps({**GOOD, "note": "x" * (blocks.SAMPLE_BYTES + 10)})
    made = predict(saved(tmp_path, f"{first}\n{json.dumps(GOOD)}\n", "rows.jsonl"), model, "jsonl")

    assert made.tally.rows == 2
    assert made.result.read_text().startswith(first[:-1] + ", ")


LONG = "\n".join(["a line, and more"] * 200)
STRAY = "has a quote that is not closed or that closes in the middle of a value"


@pytest.mark.parametrize("format", ["csv", "parquet"])
@pytest.mark.parametrize("part_bytes", [300, 5000, 1 << 20])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_stray_quote_costs_its_row_only(tmp_path: Path, model: Model, end: str, part_bytes: int, format: str) -> None:
    rows = [f"{number},39,40,Private" for number in range(1, 1001)]
    long = LONG.replace("\n", end)
    rows[9] = '10,39,40,"Private'
    rows[10] = '11,39,40,"Pri""va, te"'
    rows[19] = f'20,39,40,"{long}"'
    rows[20] = f'21,39,40,"{long}" and more'
    rows[500] = '501,39,40,"Private'
    rows[600] = "602,39,40"
    rows[700] = '701,39,40,5" disk'
    rows[999] = '1000,39,"40,Private'
    made = predict(saved(tmp_path, end.join([HEADER, *rows, ""])), model, format, part_bytes=part_bytes)

    told = [line.split(",", 3) for line in made.rejected.splitlines()[1:]]
    # The cell that does not end well began in row 21; its other lines are rows of their own.
    assert [(row, reason) for row, _, reason, _ in told[:2]] == [("10", STRAY), ("21", STRAY)]
    assert {reason for _, _, reason, _ in told[2:201]} == {"has 2 values instead of 4"}
    assert [(row, reason) for row, _, reason, _ in told[201:]] == [
        ("700", STRAY),
        ("800", "has 3 values instead of 4"),
        ("1199", STRAY),
    ]
    assert made.tally.rows + len(told) == 1000 + 199
    assert made.tally.rows == 995


def test_a_quote_that_another_one_closes_much_later_is_stray_too(tmp_path: Path, model: Model) -> None:
    rows = [f"{number},39,40,Private" for number in range(1, 1001)]
    rows[9], rows[500] = '10,39,40,"Private', '501,39,40,Private"'
    made = predict(saved(tmp_path, "\n".join([HEADER, *rows])), model)

    assert made.tally.rows == 999
    assert made.rejected.splitlines()[1:] == [f'10,,{STRAY},"10,39,40,""Private"']


@pytest.mark.parametrize("part_bytes", [100, 1 << 20])
def test_stray_quotes_in_every_row_are_all_told(tmp_path: Path, model: Model, part_bytes: int) -> None:
    rows = [f'{number},39,40,"Private' for number in range(1, 101)]
    good = "101,39,40,Private"
    made = predict(saved(tmp_path, "\n".join([HEADER, *rows, good])), model, part_bytes=part_bytes)

    assert ids(made.result) == ["101"]
    assert [line.split(",")[:3] for line in made.rejected.splitlines()[1:]] == [
        [str(number), "", STRAY] for number in range(1, 101)
    ]
