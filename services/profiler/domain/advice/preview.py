"""Small tables in plain text, for a console."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..profiling.model import ColumnProfile

_CELL = 24
_ROWS = 6


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return aligned columns, at most six rows and a line that counts the rest."""
    shown = [[cell[:_CELL] for cell in row] for row in (header, *rows[:_ROWS])]
    widths = [max(len(row[i]) for row in shown) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]
    if len(rows) > _ROWS:
        lines.append(f"... and {len(rows) - _ROWS} more")
    return "\n".join(lines)


def percent(share: float) -> str:
    """Return a share as a percentage that never rounds something down to nothing."""
    return "under 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"


def step_id(action: str, columns: Sequence[ColumnProfile], group: str) -> str:
    """Return a stable id: the action with the column's name where there is one column, else with the group's."""
    slug = re.sub(r"[^a-z0-9]+", "-", columns[0].name.lower()).strip("-") if len(columns) == 1 else group
    return f"{action}-{slug or group}"
