from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict

from fairlead.kit.errors import InvalidArgument
from fairlead.kit.tasks import format_line
from fairlead.kit.tasks.log_lines import make_line

MOMENT = datetime(2026, 1, 31, 17, 1, 3, 987_654, tzinfo=UTC)


def test_a_line_as_text() -> None:
    line = make_line(
        "projects/p/tasks/t", MOMENT, "INFO", "prepare.impute", "Replaced 12 nulls in 'age' with mean 35.7"
    )

    assert format_line(line) == "INFO 2026-01-31T17:01:03Z | prepare.impute | Replaced 12 nulls in 'age' with mean 35.7"


def test_a_line_for_machines() -> None:
    line = make_line("projects/p/tasks/t", MOMENT, "WARNING", "fit", "slow", {"rows": 12})

    assert MessageToDict(line) == {
        "task": "projects/p/tasks/t",
        "time": "2026-01-31T17:01:03.987Z",
        "level": "WARNING",
        "source": "fit",
        "message": "slow",
        "meta": {"rows": 12.0},
    }


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        (True, True),
        ("text", "text"),
        (3, 3.0),
        (math.nan, "nan"),
        (math.inf, "inf"),
        ([1, "a", None], [1.0, "a", None]),
        ((1, 2), [1.0, 2.0]),
        ({"a": {1: 2}}, {"a": {"1": 2.0}}),
        (np.float32(0.5), 0.5),
        (np.array([1, 2]), [1.0, 2.0]),
        (MOMENT, "2026-01-31 17:01:03.987654+00:00"),
    ],
)
def test_figures_become_what_json_has(given: object, kept: object) -> None:
    line = make_line("projects/p/tasks/t", MOMENT, "INFO", "fit", "", {"value": given})

    assert MessageToDict(line.meta)["value"] == kept


def test_a_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="'LOUD' is not one of DEBUG, INFO, WARNING, ERROR"):
        make_line("projects/p/tasks/t", MOMENT, "LOUD", "fit", "")
