"""How answers are shown: tables and sentences for people, JSON for machines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

console = Console(soft_wrap=True)
errors = Console(stderr=True, soft_wrap=True)
# Where no terminal sets a width, each row of a table is one line.
_ONE_LINE = 1000


def print_json(value: Any) -> None:
    """Print a value as indented JSON on standard output."""
    console.out(json.dumps(value, indent=2, ensure_ascii=False), highlight=False)


def print_json_line(value: Any) -> None:
    """Print a value as JSON on one line of standard output."""
    console.out(json.dumps(value, ensure_ascii=False), highlight=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """Print rows below column headings; numbers stand to the right."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    cells = [[show(value) for value in row] for row in rows]
    for index, column in enumerate(columns):
        numeric = bool(cells) and all(_is_number(row[index]) for row in cells if row[index])
        # The first column is what a person copies: it stays in one piece.
        table.add_column(Text(column), justify="right" if numeric else "left", overflow="fold", no_wrap=index == 0)
    for row in cells:
        # As text, for a value may look like markup.
        table.add_row(*(Text(cell) for cell in row))
    if not cells:
        console.print("(none)", style="dim")
    elif console.is_terminal or "COLUMNS" in os.environ:
        Console().print(table)
    else:
        # Without the blanks that would make each row as long as the longest.
        text = StringIO()
        Console(width=_ONE_LINE, file=text).print(table)
        console.out("\n".join(line.rstrip() for line in text.getvalue().splitlines()), highlight=False)


def show(value: object) -> str:
    """Return a value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _show_float(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {show(item)}" for key, item in value.items())
    return str(value)


def show_time(time: str | None) -> str:
    """Return an RFC 3339 time to the second, such as "2026-01-31 17:01:03Z", "" for none."""
    return f"{time[:10]} {time[11:19]}Z" if time else ""


def show_percent(share: float | None) -> str:
    """Return a share of 1 as percent, "?" for none."""
    return "?" if share is None else f"{share:.0%}"


def complain(sentence: str, details: Sequence[str] = (), request_id: str = "") -> None:
    """Print an error on standard error."""
    errors.print(f"[bold red]error:[/] {escape(sentence)}", highlight=False)
    for detail in details:
        errors.print(f"  {detail}", markup=False, highlight=False)
    if request_id:
        errors.print(f"  request id {request_id}", style="dim", markup=False, highlight=False)


def _show_float(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    if abs(value) < 0.001:
        return f"{value:.2e}"
    return f"{value:,.4f}" if abs(value) < 1000 else f"{value:,.1f}"


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True
