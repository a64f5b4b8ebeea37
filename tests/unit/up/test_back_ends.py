from __future__ import annotations

import os
from pathlib import Path

import pytest

from fairlead.up import UpError
from fairlead.up.back_ends import named, prepare


def test_an_embedded_fairlead_names_no_back_end() -> None:
    assert not named({"FAIRLEAD_HOME": "/tmp/home", "FAIRLEAD_EVENTS_URL": ""})
    assert named({"FAIRLEAD_EVENTS_URL": "kafka://broker:9092"})


def test_each_back_end_is_told_in_a_line(tmp_path: Path) -> None:
    lines = prepare(
        {**os.environ, "FAIRLEAD_HOME": str(tmp_path), "FAIRLEAD_BLOBS_URL": f"file://{tmp_path}/elsewhere"}
    )

    assert [line.split()[0] for line in lines] == ["metadata", "events", "blobs"]
    assert f"{tmp_path}/elsewhere" in lines[2]


@pytest.mark.parametrize(
    ("variable", "url", "reason"),
    [
        ("FAIRLEAD_DATABASE_URL", "sqlite:////tmp/one.db", "a PostgreSQL database"),
        ("FAIRLEAD_EVENTS_URL", "mqtt://broker", "mqtt://broker"),
        ("FAIRLEAD_BLOBS_URL", "ftp://host/folder", "ftp://host/folder"),
    ],
)
def test_a_url_that_names_nothing_we_know_is_refused(tmp_path: Path, variable: str, url: str, reason: str) -> None:
    with pytest.raises(UpError, match=f"{variable}: .*{reason}"):
        prepare({**os.environ, "FAIRLEAD_HOME": str(tmp_path), variable: url})
