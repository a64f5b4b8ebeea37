"""How answers are shown: tables and sentences for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

console = Console(soft_wrap=True)
errors = Console(stderr=True, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as indented JSON on standard output."""
    console.out(json.dumps(value, indent=2, ensure_ascii=False), highlight=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """Print rows below column headings; numbers stand to the right."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    cells = [[show(value) for value in row] for row in rows]
    for index, column in enumerate(columns):
        numeric = bool(cells) and all(_is_number(row[index]) for row in cells if row[index])
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    if cells:
        Console().print(table)
    else:
        console.print("(none)", style="dim")


def show(value: object) -> str:
    """Return a value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4f}" if abs(value) < 1000 else f"{value:,.1f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {show(item)}" for key, item in value.items())
    return str(value)


def complain(sentence: str, details: Sequence[str] = (), request_id: str = "") -> None:
    """Print an error on standard error."""
    errors.print(f"[bold red]error:[/] {_plain(sentence)}")
    for detail in details:
        errors.print(f"  {_plain(detail)}")
    if request_id:
        errors.print(f"  request id {request_id}", style="dim")


def _plain(text: str) -> str:
    return text.replace("[", "\\[")


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True
