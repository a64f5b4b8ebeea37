from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from services.profiler.domain.reading.names import stable_names
from services.serving.domain.batch_prediction.delimited import (
    delimiter_of,
    end_of_first_record,
    end_of_records,
    ends_in_quotes,
    names_of,
    stray_quotes,
)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (b"a,b\n1,2\n3,", b"3,"),
        (b"a,b\n", b""),
        (b"no line break", b"no line break"),
        (b'1,"a\nb"\n2,"c\n', b'2,"c\n'),
        (b'1,"a ""b""\nc"\n2', b"2"),
        (b'"",""\n"x\n', b'"x\n'),
        # A quote within a value opens nothing.
        (b'1,5" disk\n2,3.5" disk\n3', b"3"),
        (b'1,5" disk\n2,"a\nb"\n3,"', b'3,"'),
        # Text behind a closing quote belongs to the value.
        (b'1,"a"b\n2,"c\n', b'2,"c\n'),
        (b'"a\nb', b'"a\nb'),
    ],
)
def test_records_end_at_line_breaks_outside_of_quotes(text: bytes, rest: bytes) -> None:
    assert text[end_of_records(text, ",") :] == rest


def test_wherever_a_text_is_cut_the_records_before_are_whole() -> None:
    random = np.random.default_rng(5)
    cells = ["", "a", 'say "x"', "two\nlines", "a,b", '"', '""', "\r\n", "plain text"]
    sink = io.StringIO()
    rows = [[cells[cell] for cell in random.integers(0, len(cells), 3)] for _ in range(200)]
    csv.writer(sink, lineterminator="\n").writerows(rows)
    text = sink.getvalue().encode()
    for cut in range(0, len(text), 7):
        end = end_of_records(text[:cut], ",")
        read = list(csv.reader(io.StringIO(text[:end].decode(), newline="")))
        assert read == rows[: len(read)]
        assert not ends_in_quotes(text[:end], ",")


def test_wherever_a_text_with_stray_quotes_is_cut_its_records_are_the_same() -> None:
    random = np.random.default_rng(7)
    cells = ["", "a", '"say ""x"""', '"two\nlines"', '"a,b"', '"', '""', '"x', 'x"', '"a"b', '5" disk', '"""']
    lines = [",".join(cells[cell] for cell in random.integers(0, len(cells), 3)) for _ in range(300)]
    text = "".join(f"{line}\n" for line in lines).encode()
    stray = stray_quotes(text, ",")
    assert len(stray) > 50
    for size in (7, 40, 1000):
        start, found = 0, []
        while start < len(text):
            cut = start + size
            while (end := end_of_records(text[start:cut], ",")) == 0 and cut < len(text):
                cut += size
            end = end or len(text) - start
            found += [(start + a, start + b) for a, b in stray_quotes(text[start : start + end], ",")]
            start += end
        assert found == stray


def test_an_open_quote_is_seen() -> None:
    assert ends_in_quotes(b'1,"a\n', ",")
    assert not ends_in_quotes(b'1,"a"\n', ",")
    assert not ends_in_quotes(b'1,5"\n', ",")


@pytest.mark.parametrize(
    ("text", "header"),
    [(b"a,b\n1,2\n", b"a,b\n"), (b'a,"b\nc"\n1,2\n', b'a,"b\nc"\n'), (b"a,b", b"a,b"), (b"", b"")],
)
def test_the_header_is_the_first_record(text: bytes, header: bytes) -> None:
    assert text[: end_of_first_record(text, ",")] == header


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("age,workclass", ","),
        ("age;workclass,other;x", ";"),
        ("age\tworkclass", "\t"),
        ("age|workclass", "|"),
        ("a", ","),
    ],
)
def test_the_delimiter_is_the_one_that_finds_the_models_columns(header: str, delimiter: str) -> None:
    assert delimiter_of(header, ["age", "workclass"]) == delimiter


@pytest.mark.parametrize(
    "header", ["age,workclass", " age , work  class", "a,A,a_2,a", ",b,", '"x,y",z', "\ufeffage,b"]
)
def test_columns_are_named_as_where_a_dataset_is_imported(header: str) -> None:
    assert names_of(header, ",") == stable_names(next(csv.reader([header])))[0]
