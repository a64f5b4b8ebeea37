"""The page of metrics tells what the code defines."""

from __future__ import annotations

import re

import pytest

from scripts.telemetry_table import PAGE, definitions, page
from tests.data import ROOT


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == page(), "run scripts/telemetry_table.py"


@pytest.mark.parametrize("root", ["fairlead", "services"])
def test_no_metric_in_the_code_is_missing(root: str) -> None:
    """The page is made by asking what was made; this asks the text, which may name what nobody made for the page."""
    names = {each.name.removesuffix("_total") for each in definitions()}
    makes = re.compile(r"\b(?:Counter|Gauge|Histogram|Summary|\w+MetricFamily)\(\s*\"(fairlead_\w+)\"")
    listed = re.compile(r"^\s*\((?:\"\w+\", )?\"(fairlead_\w+)\", \"", re.MULTILINE)

    written = {
        name
        for path in (ROOT / root).rglob("*.py")
        if "prometheus_client" in (text := path.read_text())
        for pattern in (makes, listed)
        for name in pattern.findall(text)
    }

    assert len(written) > 10
    assert {name.removesuffix("_total") for name in written} <= names
