"""Dashboards are whole: each panel says what it shows, in what unit, and stands by itself."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest

from scripts.telemetry_table import definitions
from tests.integration.observability.conftest import files
from tests.integration.observability.prometheus import DASHBOARDS

BOARDS = {path.stem: json.loads(path.read_text()) for path in files(DASHBOARDS, ".json")}


def panels(board: str) -> list[dict[str, Any]]:
    return [panel for panel in BOARDS[board]["panels"] if panel["type"] != "row"]


def test_there_is_one_for_each_thing_that_is_looked_at() -> None:
    assert set(BOARDS) == {"overview", "serving", "models", "drift", "training", "kafka"}
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)


@pytest.mark.parametrize("board", BOARDS)
def test_each_panel_says_what_it_shows(board: str) -> None:
    for panel in panels(board):
        assert panel["title"] and panel["description"].endswith("."), panel
        assert panel["fieldConfig"]["defaults"]["unit"], panel
        assert panel["targets"] and all(target["legendFormat"] for target in panel["targets"]), panel


@pytest.mark.parametrize("board", BOARDS)
def test_each_query_is_of_the_chosen_source_and_namespace(board: str) -> None:
    variables = {variable["name"] for variable in BOARDS[board]["templating"]["list"]}

    assert {"datasource", "namespace"} <= variables
    for panel in panels(board):
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert 'namespace=~"$namespace"' in target["expr"], target
            assert ("$deployment" in target["expr"]) <= ("deployment" in variables), target


@pytest.mark.parametrize("board", BOARDS)
def test_no_panel_stands_on_another(board: str) -> None:
    places = [panel["gridPos"] for panel in BOARDS[board]["panels"]]

    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)
    assert all(place["x"] + place["w"] <= 24 for place in places)


@pytest.mark.parametrize("board", BOARDS)
def test_each_query_is_of_metrics_that_the_code_defines(board: str) -> None:
    known = {each.name for each in definitions()}
    samples = known | {f"{name}{suffix}" for name in known for suffix in ("_bucket", "_sum", "_count")}

    used = {
        name
        for panel in panels(board)
        for target in panel["targets"]
        for name in re.findall(r"\bfairlead_\w+", target["expr"])
    }

    assert used and used <= samples
