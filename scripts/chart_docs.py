"""Write the table of values in the chart's README from their `# --` comments, or with --check prove it fresh."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[1] / "deploy" / "helm" / "fairlead"
README = CHART / "README.md"
_KEY = re.compile(r"^( *)([A-Za-z0-9_]+):")
_COMMENT = re.compile(r"^ *# -- (.+)$")
_INDENT = 2
_LONGEST = 60

MARK = "<!-- What follows is written by scripts/chart_docs.py. -->"
_TABLE = """

| value | default | meaning |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Value:
    """A documented value: its path, what it is by default, what it means."""

    path: str
    default: Any
    meaning: str

    def row(self) -> str:
        """Return its line of the table."""
        shown = "" if self.default in ("", [], {}) else json.dumps(self.default)
        cell = "see values.yaml" if len(shown) > _LONGEST else shown and f"`{shown}`"
        return f"| `{self.path}` | {cell} | {self.meaning} |"


def documented(text: str) -> Iterator[Value]:
    """Yield the values that have a `# --` comment above them, in their order."""
    values = yaml.safe_load(text)
    path: list[str] = []
    meaning = ""
    for line in text.splitlines():
        if comment := _COMMENT.match(line):
            meaning = comment[1]
        elif key := _KEY.match(line):
            path = [*path[: len(key[1]) // _INDENT], key[2]]
            if meaning:
                yield Value(".".join(path), _at(values, path), meaning)
            meaning = ""


def leaves(values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield the path of every value that is no group of others."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def page() -> str:
    """Return the whole page: what people wrote, and the table."""
    written = README.read_text().partition(MARK)[0]
    rows = [value.row() for value in documented((CHART / "values.yaml").read_text())]
    return written + MARK + _TABLE + "\n".join(rows) + "\n"


def _at(values: Any, path: list[str]) -> Any:
    for name in path:
        values = values[name]
    return values


def main() -> None:
    """Write the page, or compare when asked to check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where the page is stale")
    if parser.parse_args().check:
        if README.read_text() != page():
            raise SystemExit(f"{README.relative_to(CHART.parents[2])} is stale; run scripts/chart_docs.py")
        return
    README.write_text(page())


if __name__ == "__main__":
    main()
