"""`fairlead runs`."""

from __future__ import annotations

from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import complain, console, print_json, print_table, show_time
from fairlead.client import Json
from fairlead.client.names import id_of, short_name

app = typer.Typer(help="Trainings and their leaderboards.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first."""
    with client_of(context) as client:
        runs = client.runs.list(limit)
    if as_json:
        print_json(runs)
        return
    print_table(
        ["run", "status", "task", "target", "metric", "held out", "model", "made"],
        [
            (
                id_of(r["name"]),
                r["status"],
                r["task_type"],
                _target(r["target"]),
                r["metric"],
                r["metrics"].get(r["metric"]),
                short_name(r["model_version"]),
                show_time(r["create_time"]),
            )
            for r in runs
        ],
    )


@app.command("leaderboard")
def leaderboard(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(help="A run; the newest when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a run's candidates, best first."""
    with client_of(context) as client:
        if run is None:
            newest = client.runs.list(limit=1)
            if not newest:
                complain("there is no run yet; start one with `fairlead train DATASET`")
                raise typer.Exit(1)
            run = newest[0]["name"]
        board = client.runs.leaderboard(run)
    if as_json:
        print_json(board)
    else:
        print_leaderboard(board)


def print_leaderboard(board: Json, limit: int | None = None) -> None:
    """Print a leaderboard as a table, only the first of its entries where a limit is given."""
    metric, entries = board["metric"], board["entries"][:limit]
    print_table(
        ["rank", "candidate", "family", f"{metric} (cv)", "±", f"{metric} (held out)", "fit s", "weight"],
        [
            (
                entry["rank"],
                entry["candidate"],
                entry["family"],
                entry["score"],
                # One fold has no spread.
                entry["score_stddev"] or None,
                entry["holdout_metrics"].get(metric),
                None if entry["fit_seconds"] is None else f"{entry['fit_seconds']:.1f}",
                entry["ensemble_weight"] or None,
            )
            for entry in entries
        ],
    )
    better = "higher" if board["greater_is_better"] else "lower"
    console.print(f"{metric}: {better} is better", style="dim")
    if more := len(board["entries"]) - len(entries):
        console.print(f"{more} more: fairlead runs leaderboard", style="dim")


def _target(target: Json | None) -> str:
    return f"{target['column']} {target['condition']}".rstrip() if target else ""
