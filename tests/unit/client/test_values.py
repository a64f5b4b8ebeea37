"""Rows as the client sends them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairlead import Client
from fairlead.client import FairleadClientError
from fairlead.client.values import json_rows
from tests.unit.client.stage import Stage


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (float("nan"), None),
        (np.float64("nan"), None),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(3), 3),
        (np.datetime64("2026-01-31T17:00:00.5", "ns"), "2026-01-31T17:00:00.500000"),
        (np.datetime64("NaT"), None),
        (pd.NaT, None),
        (pd.NA, None),
        (pd.Timestamp("2026-01-31 17:00"), "2026-01-31T17:00:00"),
        (datetime(2026, 1, 31, 17, tzinfo=UTC), "2026-01-31T17:00:00+00:00"),
        (date(2026, 1, 31), "2026-01-31"),
        (10**30, 10**30),
    ],
)
def test_a_value_is_sent_as_json_has_it(given: Any, sent: Any) -> None:
    (row,) = json_rows([{"a": given}])
    assert row == {"a": sent}
    assert type(row["a"]) is type(sent) or isinstance(given, np.str_)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"a": 1}, {"a": float("inf")}], r"rows\[1\], column 'a': inf is no number"),
        ([{"a": np.float32("-inf")}], r"rows\[0\], column 'a': -inf is no number"),
        ([{"a": [1, 2]}], r"rows\[0\], column 'a': a value of type list"),
        ([{"a": np.array([1, 2])}], r"rows\[0\], column 'a': a value of type ndarray"),
        ([{"a": 1}, [2]], r"rows\[1\] is of type list; give a dictionary"),
        ({"a": 1}, "rows is of type dict; give a list of dictionaries, or a DataFrame"),
    ],
)
def test_what_json_can_not_say_is_named(rows: Any, told: str) -> None:
    with pytest.raises(FairleadClientError, match=told):
        json_rows(rows)


def test_a_data_frame_is_predicted_as_it_is(stage: Stage, client: Client) -> None:
    stage.answer("POST /deployments/churn:predict", {"predictions": []})
    frame = pd.DataFrame({"age": [39.0, float("nan")], "n": [1, 2], 3: ["x", None]})

    client.deployments.predict("churn", frame)

    assert stage.last.json == {"rows": [{"age": 39.0, "n": 1, "3": "x"}, {"age": None, "n": 2, "3": None}]}
    client.deployments.predict("churn", frame.to_dict("records"))
    assert stage.last.json["rows"][1]["age"] is None


def test_truths_may_be_numpys_too(stage: Stage, client: Client) -> None:
    stage.answer("POST /deployments/churn:feedback", {"accepted_count": 1})
    client.deployments.feedback("churn", [{"request_id": "r", "row": np.int64(0), "value": np.float64(2.5)}])
    assert stage.last.json == {"truths": [{"request_id": "r", "row": 0, "value": 2.5}]}
