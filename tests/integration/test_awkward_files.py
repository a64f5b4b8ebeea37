"""Every awkward file either reads rightly or is refused with a reason; this table says which, and how."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from fairlead.kit.errors import InvalidArgument, ResourceExhausted
from services.profiler.adapters.duck import DuckLimits
from services.profiler.adapters.tables.reader import read_table
from services.profiler.domain.reading.model import ReadTable
from tests.data import SHARED_DATA
from tests.unit.profiler.heard import Heard


@dataclass(frozen=True)
class Reads:
    """What a file shall become; types are of some of its columns."""

    file: str
    format: str
    rows: int
    columns: int
    types: dict[str, str] = field(default_factory=dict)
    dialect: dict[str, str] = field(default_factory=dict)
    # A part of one of the notes.
    note: str = ""


SEMICOLON = {"delimiter": ";"}
READS = (
    Reads("adult/adult.csv", "csv", 32_561, 15, {"workclass": "VARCHAR"}, note="1,836 cells of 'workclass'"),
    Reads("adult/adult_test.csv.gz", "csv", 16_281, 15, {"age": "BIGINT"}, {"compression": "gzip"}, "trimmed"),
    Reads("adult/adult_test_dotted_labels.csv.gz", "csv", 16_281, 15),
    Reads("adult/adult_48842.parquet", "parquet", 48_842, 15, {"age": "BIGINT", "class": "VARCHAR"}),
    Reads("heart_disease/heart_disease.csv", "csv", 303, 14, {"ca": "DOUBLE", "num": "BIGINT"}, note="4 cells of 'ca'"),
    Reads("heart_disease/heart_disease_switzerland.csv", "csv", 123, 14, {"oldpeak": "DOUBLE", "ca": "BIGINT"}),
    Reads("heart_disease/heart_disease_va.csv", "csv", 200, 14, {"thal": "BIGINT"}),
    Reads("titanic/titanic.csv", "csv", 891, 12, {"Age": "DOUBLE", "Name": "VARCHAR", "Survived": "BIGINT"}),
    Reads("titanic/titanic_unlabelled.csv", "csv", 418, 11),
    Reads("california_housing/california_housing.csv.gz", "csv", 20_640, 10, {"total_bedrooms": "DOUBLE"}),
    Reads("bike_sharing/bike_sharing_hour.csv.gz", "csv", 17_379, 17, {"dteday": "TIMESTAMP", "cnt": "BIGINT"}),
    Reads("wine_quality/winequality_red.csv", "csv", 1_599, 12, {"fixed acidity": "DOUBLE"}, SEMICOLON),
    Reads("wine_quality/winequality_white.csv", "csv", 4_898, 12, {"quality": "BIGINT"}, SEMICOLON),
    Reads("credit_g/credit_g.csv", "csv", 1_000, 21, {"status": "VARCHAR"}),
    Reads("telco_churn/telco_churn.csv.gz", "csv", 7_043, 21, {"TotalCharges": "DOUBLE"}, note="blank cells"),
    Reads("letter/letter.csv.gz", "csv", 20_000, 17, {"letter": "VARCHAR", "xbox": "BIGINT"}),
    Reads("penguins/penguins.csv", "csv", 344, 7, {"flipper_length_mm": "BIGINT"}),
    Reads("penguins/penguins_records.json", "json", 344, 7, {"Beak Length (mm)": "DOUBLE", "Sex": "VARCHAR"}),
    Reads("penguins/penguins.jsonl", "jsonl", 344, 7, {"Body Mass (g)": "BIGINT"}),
    Reads("diamonds/diamonds.csv.gz", "csv", 53_940, 10, {"price": "BIGINT"}),
    Reads("auto_mpg/auto_mpg.csv", "csv", 398, 9, {"horsepower": "DOUBLE"}),
    Reads("nyc_taxis/nyc_taxis.csv.gz", "csv", 6_433, 14, {"pickup": "TIMESTAMP"}),
    Reads("noaa_weather_stream/noaa_weather_stream.csv.gz", "csv", 18_159, 9),
    Reads("occupancy/occupancy.csv.gz", "csv", 20_560, 7, {"datetime": "TIMESTAMP"}),
    Reads("student_performance/student_mat.csv", "csv", 395, 33, {"G1": "BIGINT"}, SEMICOLON),
    Reads(
        "air_quality/air_quality.csv.gz", "csv", 9_357, 15, {"Date": "TIMESTAMP", "CO(GT)": "DOUBLE", "T": "DOUBLE"},
        {"delimiter": ";", "decimal": ","}, "114 wholly empty rows",
    ),
    Reads("birdstrikes/birdstrikes.csv.gz", "csv", 10_000, 14, {"Flight Date": "TIMESTAMP"}),
    Reads("sms_spam/sms_spam.csv.gz", "csv", 5_574, 2),
    # The second header row goes into the names, so there is one row fewer than the file has lines after the first.
    Reads(
        "awkward/star_wars_survey_latin1_dup_headers.csv.gz", "csv", 1_186, 38, {"RespondentID": "BIGINT"},
        {"encoding": "cp1252"}, "second header",
    ),
    Reads(
        "awkward/cabinet_turnover_bom_dup_empty.csv", "csv", 379, 8, {"departure_day": "BIGINT"},
        note="2 wholly empty columns without a name",
    ),
    Reads("awkward/castle_solutions_quoted_newlines.csv.gz", "csv", 1_349, 11, {"Castle 10": "BIGINT"}),
    Reads(
        "awkward/air_quality_trailing_commas.csv.gz", "csv", 9_357, 15, {"AH": "DOUBLE"}, {"decimal": ","},
        "Stray ',' characters at line ends",
    ),
    # Its two wholly empty columns have names, so they stay.
    Reads("awkward/animals_311_empty_columns.csv.gz", "csv", 4_969, 31, {"Created Date": "TIMESTAMP"}),
    Reads("awkward/movies_records_mixed.json.gz", "json", 3_201, 16, {"Title": "VARCHAR", "Release Date": "TIMESTAMP"}),
    # A line of group titles above the header is skipped, and five empty columns without a name are left out.
    Reads(
        "awkward/pollster_stats_2019.xlsx", "excel", 430, 26, {"Pollster": "VARCHAR", "# of Polls": "BIGINT"},
        {"sheet": "Results"}, "lines above the header",
    ),
)  # fmt: skip


def read(path: Path, folder: Path, name: str = "", sheet: str = "") -> tuple[ReadTable, Path]:
    target = folder / "table.parquet"
    return read_table(path, name or path.name, target, Heard(), sheet=sheet), target


def column(path: Path, name: str) -> list[object]:
    return [row[0] for row in duckdb.sql(f"SELECT \"{name}\" FROM read_parquet('{path}')").fetchall()]


@pytest.mark.parametrize("expected", READS, ids=lambda expected: expected.file)
def test_a_real_file_reads_as_the_table_says(expected: Reads, tmp_path: Path) -> None:
    table, target = read(SHARED_DATA / expected.file, tmp_path)
    assert (table.format, table.row_count, len(table.columns)) == (expected.format, expected.rows, expected.columns)
    types = {column.name: column.type for column in table.columns}
    assert types | expected.types == types
    assert table.dialect | expected.dialect == table.dialect
    assert not expected.note or any(expected.note in note for note in table.notes), table.notes
    assert duckdb.sql(f"SELECT count(*) FROM read_parquet('{target}')").fetchall() == [(expected.rows,)]


def test_rows_that_are_each_one_quoted_field_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"line 2: the whole row is one quoted field, so there would be 1 column"):
        read(SHARED_DATA / "awkward" / "student_mat_bom_double_quoted.csv", tmp_path)


def test_missing_tokens_become_missing_and_the_words_none_and_unknown_stay(tmp_path: Path) -> None:
    _, target = read(SHARED_DATA / "adult" / "adult.csv", tmp_path)
    assert column(target, "workclass").count(None) == 1_836
    _, target = read(SHARED_DATA / "birdstrikes" / "birdstrikes.csv.gz", tmp_path)
    assert column(target, "Effect Amount of damage").count("None") == 8_939


def test_minus_200_stays_a_number(tmp_path: Path) -> None:
    _, target = read(SHARED_DATA / "air_quality" / "air_quality.csv.gz", tmp_path)
    assert column(target, "CO(GT)").count(-200.0) == 1_683
    assert column(target, "CO(GT)")[0] == 2.6


def test_quoted_newlines_stay_inside_their_values(tmp_path: Path) -> None:
    _, target = read(SHARED_DATA / "awkward" / "castle_solutions_quoted_newlines.csv.gz", tmp_path)
    reasons = column(target, "Why did you choose your troop deployment?")
    assert sum("\n" in str(reason) for reason in reasons) > 100


def test_the_second_sheet_is_read_when_it_is_named_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    workbook = SHARED_DATA / "awkward" / "pollster_stats_2019.xlsx"
    table, _ = read(workbook, tmp_path, sheet="Description of Columns")
    assert [column.name for column in table.columns] == ["Column Name", "Description"]
    # 30 lines, of which five are empty and left out with a note.
    assert table.row_count == 25
    with pytest.raises(InvalidArgument, match="the workbook has: Results, Description of Columns"):
        read(workbook, tmp_path, sheet="Answers")


WHOLE_GZIP = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i % 97) for i in range(5000)))
REFUSED = (
    ("empty.csv", b"", "is empty"),
    ("blank.csv", b" \n\n \n", "nothing but white space"),
    ("header_only.csv", b"a,b,c\n", "no rows"),
    ("only_empty_rows.csv", b"a,b\n,\n,\n", "every row is empty"),
    ("short_line.csv", b"a,b,c\n1,2,3\n4,5\n6,7,8\n", r"line 3 .*expected 3, found 2"),
    ("long_line.csv", b"a,b,c\n1,2,3\n4,5,6\n7,8,9,10\n", r"line 4 .*expected 3, found 4"),
    ("many_bad.csv", b"a,b\n" + b"1,2\n" * 50 + b"1,2,3\n" * 20, "20 lines do not fit"),
    ("open_quote.csv", b'a,b\n1,"x\n2,y\n3,z\n', "quote that is not closed"),
    ("huge_field.csv", b"a,b\n1,2\n3," + b"x" * 3_000_000 + b"\n", "longer than 2,000,000 bytes"),
    ("noise.csv", bytes(range(256)) * 20, "not text"),
    ("picture.csv", b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "PNG image"),
    ("page.csv", b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
    ("prose.csv", b"Dear all, hello.\nThis is a letter; read it, and, well, answer.\nBye\nMe, you\n", "delimiter"),
    ("cut.csv.gz", WHOLE_GZIP[: len(WHOLE_GZIP) // 2], "cut off"),
    ("damaged.csv.gz", WHOLE_GZIP[:200] + b"\xff" * 50 + WHOLE_GZIP[250:], "damaged gzip"),
    ("fake.csv.gz", b"a,b\n1,2\n", "does not begin as one"),
    ("fake.parquet", b"a,b\n1,2\n", "does not begin with PAR1"),
    ("cut.parquet", b"PAR1" + b"\x15\x04" * 40, "can't be read"),
    ("fake.xlsx", b"a,b\n1,2\n", "no workbook inside"),
    ("cut.xlsx", b"PK\x03\x04" + b"\0" * 60, "can't be read"),
    ("bundle.zip", b"PK\x03\x04" + b"\0" * 60, "archive"),
    ("broken.json", b'[{"a": 1},\n {"a": }]', "line 2, character 8"),
    ("cut.json", b'[{"a": 1},\n {"a": 2}', "line 2"),
    ("broken.jsonl", b'{"a": 1}\n{"a": oops}\n', "line 2, character 7"),
    ("numbers.json", b"[1, 2, 3]", "no records"),
    ("nothing.json", b"[]", "no records"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "content", "reason"), REFUSED, ids=[case[0] for case in REFUSED])
def test_a_broken_file_is_refused_with_its_reason(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(InvalidArgument, match=reason):
        read(path, tmp_path, name)


ENCODED = (
    ("cp1252", "café ça coûte 5 €", "cp1252"),
    ("cp1251", "Привет, как дела у вас сегодня вечером", "cp1251"),  # noqa: RUF001
    ("cp932", "東京都千代田区丸の内一丁目の天気は晴れです", "cp932"),
    ("gb18030", "北京市朝阳区建国门外大街天气晴朗", "gb18030"),
    ("utf-16", "grüße", "utf-16-le"),
    ("utf-16-le", "grüße und noch ein wort", "utf-16-le"),
    ("utf-8-sig", "grüße", "utf-8"),
)


@pytest.mark.parametrize(("encoding", "text", "found"), ENCODED, ids=[case[0] for case in ENCODED])
def test_other_encodings_are_found_and_the_text_is_kept(encoding: str, text: str, found: str, tmp_path: Path) -> None:
    path = tmp_path / "encoded.csv"
    path.write_bytes(("id;text\n" + "".join(f"{i};{text}\n" for i in range(40))).encode(encoding))
    table, target = read(path, tmp_path)
    assert table.dialect["encoding"] == found
    assert set(column(target, "text")) == {text}


def test_headers_of_digits_and_partly_blank_ones_are_headers(tmp_path: Path) -> None:
    path = tmp_path / "digits.csv"
    path.write_text("0,1,2\n" + "".join(f"{i / 3:.2f},{i},x\n" for i in range(30)))
    table, _ = read(path, tmp_path)
    assert ([column.name for column in table.columns], table.row_count) == (["0", "1", "2"], 30)
    path.write_text("name,,age,name\n" + "".join(f"n{i},{i},{i + 20},m{i}\n" for i in range(30)))
    table, _ = read(path, tmp_path)
    assert [column.name for column in table.columns] == ["name", "column_2", "age", "name_2"]


def test_a_file_without_header_keeps_its_first_row(tmp_path: Path) -> None:
    path = tmp_path / "bare.csv"
    path.write_text("39,State-gov,77516\n50,Private,83311\n38,Private,215646\n")
    table, _ = read(path, tmp_path)
    assert (table.row_count, table.columns[0].name) == (3, "column_1")
    assert any("No header" in note for note in table.notes)


def test_codes_with_leading_zeros_and_long_integers_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text('zip,account,price\n02134,12345678901234567890,"1,200.50"\n10001,98765432109876543210,999\n')
    table, target = read(path, tmp_path)
    assert [column.type for column in table.columns] == ["VARCHAR", "VARCHAR", "DOUBLE"]
    assert column(target, "price") == [1200.5, 999.0]


def test_a_column_that_is_nearly_numeric_stays_text_and_the_note_names_a_cell(tmp_path: Path) -> None:
    path = tmp_path / "nearly.csv"
    path.write_text("a,b\n" + "".join(f"{i},{i}\n" for i in range(99)) + "99,about 100\n")
    table, target = read(path, tmp_path)
    assert [column.type for column in table.columns] == ["BIGINT", "VARCHAR"]
    assert any("1 cells, such as 'about 100'" in note for note in table.notes)
    assert column(target, "b")[-1] == "about 100"


def test_two_letter_codes_keep_na(tmp_path: Path) -> None:
    path = tmp_path / "countries.csv"
    path.write_text("country,n\nNA,1\nDE,2\nFR,3\nNA,NA\n")
    _, target = read(path, tmp_path)
    assert column(target, "country") == ["NA", "DE", "FR", "NA"]
    assert column(target, "n") == [1, 2, 3, None]


def test_nested_json_is_kept_as_text_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "nested.jsonl"
    path.write_text("".join(json.dumps({"a": i, "b": {"c": [i]}, "d": i % 2 == 0}) + "\n" for i in range(5)))
    table, target = read(path, tmp_path)
    assert [column.type for column in table.columns] == ["BIGINT", "VARCHAR", "BOOLEAN"]
    assert column(target, "b")[1] == '{"c":[1]}'
    assert any("JSON text" in note for note in table.notes)


def test_a_large_file_is_read_within_the_memory_it_is_given(tmp_path: Path) -> None:
    """110 MB of text under a limit of 100 MB: it is streamed."""
    path = tmp_path / "large.csv"
    with path.open("w") as sink:
        sink.write("a,b,c,d\n")
        sink.writelines(
            f"{i},{i / 7:.6f},name {i % 5000},{'some longer text ' * 2}{i % 97}\n" for i in range(1_500_000)
        )
    table = read_table(path, path.name, tmp_path / "table.parquet", Heard(), limits=DuckLimits("100MB", 2))
    assert table.row_count == 1_500_000
    with pytest.raises(ResourceExhausted, match="PROFILER_MEMORY_LIMIT"):
        read_table(path, path.name, tmp_path / "table.parquet", Heard(), limits=DuckLimits("20MB", 2))
