"""A profile in the terminal."""

from __future__ import annotations

from rich.markup import escape

from fairlead.cli.output import console, print_table, show, show_percent
from fairlead.client import Json


def print_profile(profile: Json, previews: bool) -> None:
    """Print columns, what to look at, the target and the suggestions of a profile."""
    console.print(
        f"[bold]{profile['row_count']:,} rows[/], {len(profile['columns'])} columns, "
        f"{profile['duplicate_row_count']:,} duplicate rows"
    )
    print_table(
        ["column", "type", "missing", "distinct", "range or top values"],
        [
            (c["name"], c["semantic_type"], c["missing_count"], c["distinct_count"], _range(c))
            for c in profile["columns"]
        ],
    )
    for warning in profile["warnings"]:
        console.print("[yellow]![/] ", end="")
        console.print(warning, markup=False, highlight=False)
    target = profile["target"] or {}
    guess = profile["target_guess"]
    if target.get("column"):
        condition = f" {target['condition']}" if target.get("condition") else ""
        name = escape(f"{target['column']}{condition}")
        console.print(f"\nTarget [bold]{name}[/] ({profile['task_type']})", highlight=False)
    if guess and guess["column"]:
        told = f"  guess: {guess['column']}, {guess['reason']}"
        console.print(told, style="dim", markup=False, highlight=False)
    print_suggestions(profile, previews)


def print_suggestions(profile: Json, previews: bool) -> None:
    """Print the suggested preparation steps and models."""
    console.print("\n[bold]Suggested preparation[/]")
    for step in profile["preparation_suggestions"]:
        console.print(f"  {show_percent(step['confidence'])} [bold]{escape(step['id'])}[/] ", end="")
        console.print(step["rationale"], markup=False, highlight=False)
        if previews and step["preview"]:
            for line in step["preview"].splitlines():
                console.print(f"        {line}", markup=False, highlight=False, style="dim")
    console.print("[bold]Suggested models[/]")
    for model in profile["model_suggestions"]:
        console.print(f"  {show_percent(model['confidence'])} [bold]{escape(model['id'])}[/] ", end="")
        console.print(model["rationale"], markup=False, highlight=False)


def _range(column: Json) -> str:
    numeric = column["numeric"]
    if numeric and column["semantic_type"] in {"numeric", "integer"}:
        return f"{show(numeric['min'])} to {show(numeric['max'])}, mean {show(numeric['mean'])}"
    return ", ".join(f"{value['value']} ({value['count']:,})" for value in column["top_values"][:3])
