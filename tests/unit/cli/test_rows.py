from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import pytest
import typer

from fairlead.cli.delimited_rows import value_of
from fairlead.cli.rows import rows_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("39", 39),
        ("-1", -1),
        ("39.5", 39.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("12345678901234567890", 12345678901234567890),
        ("", None),
        ("Private", "Private"),
        ("<=50K", "<=50K"),
        ("007", "007"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1_000", "1_000"),
        ("2026-01-31", "2026-01-31"),
        ("true", "true"),
    ],
)
def test_a_value_is_a_number_only_where_it_is_written_as_one(text: str, value: Any) -> None:
    assert value_of(text) == value
    assert type(value_of(text)) is type(value)


def test_pairs_are_one_row() -> None:
    assert rows_of(["age=39", "education=", "note=a=b"], None) == [{"age": 39, "education": None, "note": "a=b"}]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("age,job\n39,clerk\n,\n", [{"age": 39, "job": "clerk"}, {"age": None, "job": None}]),
        ("age;job\n39,5;clerk\n", [{"age": "39,5", "job": "clerk"}]),
        ("age\tjob\n39\tclerk\n", [{"age": 39, "job": "clerk"}]),
        ("age\n39\n40\n", [{"age": 39}, {"age": 40}]),
        ('job,age\n"clerk, ""junior""\nhere",39\n', [{"job": 'clerk, "junior"\nhere', "age": 39}]),
        ("age,job\n39,\n\n ,?\n", [{"age": 39, "job": None}, {"age": None, "job": None}]),
        ("age,job\n 39 ,-\n-,a\n", [{"age": 39, "job": "-"}, {"age": None, "job": "a"}]),
        ("land\nNA\nDE\n", [{"land": "NA"}, {"land": "DE"}]),
        ("since\n2026-01-31\nunknown\n", [{"since": "2026-01-31"}, {"since": None}]),
        ('[{"age": 39}, {"age": null}]', [{"age": 39}, {"age": None}]),
        ('{"age": 39}', [{"age": 39}]),
        ('{\n  "age": 39\n}\n', [{"age": 39}]),
        ('{"age": 39}\n\n{"age": 40}\n', [{"age": 39}, {"age": 40}]),
        ("\ufeffage\n39\n", [{"age": 39}]),
    ],
)
def test_a_file_is_csv_json_or_json_lines(tmp_path: Path, text: str, rows: list[Any]) -> None:
    file = tmp_path / "rows"
    file.write_text(text, encoding="utf-8")

    assert rows_of([], file) == rows


def test_a_gzip_is_read_as_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv.gz"
    file.write_bytes(gzip.compress(b"age\r\n39\r\n"))

    assert rows_of([], file) == [{"age": 39}]


def test_a_minus_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("age\n39\n"))

    assert rows_of([], Path("-")) == [{"age": 39}]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "no rows"),
        (b"age,job\n", "no rows"),
        (b"[]", "no rows"),
        (b"age\n39,40\n", "rows, read as CSV: line 2 has 2 values instead of the header's 1"),
        (b'\nage,job\n"39",1\n\n"\n40",2\n39\n', "line 7 has 1 values instead of the header's 2"),
        (b'age,job\n39,a\n39,"a\n39,b\n', "line 3 has a quote that is not closed"),
        (b"age,job\n39," + b"a" * 200_000, "line 2 has a value of more than 131,072 signs"),
        (b"\x1f\x8b\x08 not one", "damaged gzip"),
        (b"[1]", "row 1 is no JSON object"),
        (b"[{]", "line 1 is not valid JSON"),
        (b'{"age": 39}\n{"age": \n', "line 2 is not valid JSON"),
        (b"age\n\xff\n", "not UTF-8"),
    ],
)
def test_a_file_without_rows_is_refused_with_the_reason(tmp_path: Path, text: bytes, reason: str) -> None:
    file = tmp_path / "rows"
    file.write_bytes(text)

    with pytest.raises(typer.BadParameter, match=reason):
        rows_of([], file)


@pytest.mark.parametrize(
    ("pairs", "file", "reason"),
    [([], None, "COLUMN=VALUE"), (["age"], None, "'age' is not"), (["a=1"], Path("x"), "both")],
)
def test_rows_come_from_pairs_or_from_a_file(pairs: list[str], file: Path | None, reason: str) -> None:
    with pytest.raises(typer.BadParameter, match=reason):
        rows_of(pairs, file)
