from __future__ import annotations

import pytest

from fairlead.kit.errors import InvalidArgument
from services.serving.domain.batch_prediction.request import (
    BatchSource,
    check_format,
    check_source,
    check_version,
    kind_of,
)

VERSION = "projects/p/datasets/d/versions/1"


@pytest.mark.parametrize(
    "source",
    [BatchSource(VERSION), BatchSource(blob="sha256/ab/ab", file_name="a.CSV"), BatchSource(blob="sha256/ab/ab")],
)
def test_a_dataset_version_or_a_file_is_predicted(source: BatchSource) -> None:
    check_source(source)


@pytest.mark.parametrize(
    "source",
    [
        BatchSource(),
        BatchSource(VERSION, "sha256/ab/ab"),
        BatchSource("census"),
        BatchSource(blob="sha256/ab/ab", file_name="book.xlsx"),
        BatchSource(blob="sha256/ab/ab", file_name="rows.csv.gz"),
    ],
)
def test_anything_else_is_refused(source: BatchSource) -> None:
    with pytest.raises(InvalidArgument):
        check_source(source)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"),
        ("a.b.TSV", "csv"),
        ("rows", "csv"),
        ("a.ndjson", "jsonl"),
        ("a.jsonl", "jsonl"),
        ("a.pq", "parquet"),
    ],
)
def test_a_files_ending_tells_how_it_is_read(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_the_format_is_csv_unless_told() -> None:
    assert [check_format(format) for format in ("", "csv", "jsonl", "parquet")] == ["csv", "csv", "jsonl", "parquet"]
    with pytest.raises(InvalidArgument, match="xml"):
        check_format("xml")


def test_a_version_or_an_alias_of_the_project_may_be_named() -> None:
    check_version("", "p")
    check_version("projects/p/models/m/versions/3", "p")
    check_version("projects/p/models/m/aliases/challenger", "p")
    for bad in ("projects/other/models/m/versions/3", "m", "projects/p/models/m"):
        with pytest.raises(InvalidArgument):
            check_version(bad, "p")
