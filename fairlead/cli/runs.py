"""`fairlead runs`."""

from __future__ import annotations

from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import complain, console, print_json, print_table
from fairlead.client import Json
from fairlead.client.names import id_of

app = typer.Typer(help="Trainings and their leaderboards.", no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List runs, newest first."""
    with client_of(context) as client:
        runs = client.runs.list()
    if as_json:
        print_json(runs)
        return
    print_table(
        ["run", "status", "task", "target", "metric", "held-out", "made"],
        [
            (
                id_of(r["name"]),
                r["status"],
                r["task_type"],
                (r["target"] or {}).get("column"),
                r["metric"],
                r["metrics"].get(r["metric"]),
                r["create_time"],
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


def print_leaderboard(board: Json) -> None:
    """Print a leaderboard as a table."""
    metric = board["metric"]
    print_table(
        ["rank", "candidate", "family", f"{metric} (cv)", "±", f"{metric} (held out)", "fit s", "weight"],
        [
            (
                entry["rank"],
                entry["candidate"],
                entry["family"],
                entry["score"],
                entry["score_stddev"],
                entry["holdout_metrics"].get(metric),
                round(entry["fit_seconds"], 1),
                entry["ensemble_weight"] or None,
            )
            for entry in board["entries"]
        ],
    )
    better = "higher" if board["greater_is_better"] else "lower"
    console.print(f"{metric}: {better} is better", style="dim")
