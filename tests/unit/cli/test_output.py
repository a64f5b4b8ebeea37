from __future__ import annotations

import json
from typing import Any

import pytest

from fairlead.cli.output import complain, print_json, print_table, show, show_percent, show_time


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (48842, "48,842"),
        (0.92768, "0.9277"),
        (206855.8, "206,855.8"),
        (0.0, "0"),
        (17.0, "17"),
        (3.2e-7, "3.20e-07"),
        ({"champion": 3, "accuracy": 0.5}, "champion 3, accuracy 0.5000"),
        ("<=50K", "<=50K"),
    ],
)
def test_values_are_shown_as_people_read_them(value: Any, text: str) -> None:
    assert show(value) == text


def test_times_and_shares_are_shown_short() -> None:
    assert show_time("2026-01-31T17:01:03.123Z") == "2026-01-31 17:01:03Z"
    assert show_time(None) == ""
    assert (show_percent(0.42), show_percent(None)) == ("42%", "?")


def test_a_table_without_a_terminal_has_one_line_a_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(["name", "note", "n"], [("a", "x" * 300, 1), ("b", "y", 1000)])

    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["name", "note", "n"], ["a", "x" * 300, "1"], ["b", "y", "1,000"]]
    assert lines[1].index("1") > lines[2].index("1,000")


def test_no_row_is_as_long_as_the_longest(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(["task", "error"], [("t1", "x" * 300), ("t2", "")])

    assert [len(line) for line in capsys.readouterr().out.splitlines()] == [11, 306, 2]


def test_values_that_look_like_markup_are_shown_as_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As some runners of tests set it.
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(["[b]"], [("[/x] [red]",)])
    complain("rows[3].age: [/] is no number", ["[red]x"], "r-1")

    printed = capsys.readouterr()
    assert printed.out.split("\n")[:2] == ["[b]", "[/x] [red]"]
    assert printed.err == "error: rows[3].age: [/] is no number\n  [red]x\n  request id r-1\n"


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name"], [])

    assert capsys.readouterr().out == "(none)\n"


def test_json_is_never_wrapped_or_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": "ü[red]" * 100}
    print_json(value)

    printed = capsys.readouterr().out
    assert json.loads(printed) == value
    assert "ü" in printed
