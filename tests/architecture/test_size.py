"""Files and functions stay small enough to read."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.data import ROOT

LONGEST_FILE = 400
MEDIAN_FILE = 100
LONGEST_FUNCTION = 60
P90_FUNCTION = 25


def sources() -> list[Path]:
    """Return what we wrote and ship: neither generated code nor the empty files that mark packages."""
    found = [path for root in ("fairlead", "services") for path in sorted((ROOT / root).rglob("*.py"))]
    return [path for path in found if "fairlead/api/" not in path.as_posix() and path.stat().st_size > 0]


def lengths_of_functions(path: Path) -> dict[str, int]:
    return {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.fixture(scope="module")
def files() -> dict[str, int]:
    return {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}


@pytest.fixture(scope="module")
def functions() -> dict[str, int]:
    return {name: length for path in sources() for name, length in lengths_of_functions(path).items()}


def test_no_file_is_too_long(files: dict[str, int]) -> None:
    assert {name: length for name, length in files.items() if length > LONGEST_FILE} == {}


def test_the_median_file_is_short(files: dict[str, int]) -> None:
    assert median(files.values()) <= MEDIAN_FILE


def test_no_function_is_too_long(functions: dict[str, int]) -> None:
    assert {name: length for name, length in functions.items() if length > LONGEST_FUNCTION} == {}


def test_nine_functions_in_ten_are_short(functions: dict[str, int]) -> None:
    assert quantiles(functions.values(), n=10)[-1] <= P90_FUNCTION
