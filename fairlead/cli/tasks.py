"""`fairlead tasks`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import complain, console, print_json, print_json_line, print_table, show_percent, show_time
from fairlead.cli.progress import log_line
from fairlead.cli.results import check_place, format_of, save_result
from fairlead.client import TaskFailed
from fairlead.client.names import id_of
from fairlead.client.tasks import ENDED

TaskName = Annotated[str, typer.Argument(help="A task; `fairlead tasks list` shows them.")]

app = typer.Typer(help="Long work: look, follow, cancel.", no_args_is_help=True)


class State(StrEnum):
    """Where a task stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[State | None, typer.Option(help="Only tasks in this state.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only tasks of this kind, such as train or workflow.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List tasks, newest first."""
    with client_of(context) as client:
        tasks = client.tasks.list(limit, state and state.value, kind)
    if as_json:
        print_json(tasks)
        return
    print_table(
        ["task", "kind", "state", "progress", "stage", "made", "error"],
        [
            (
                id_of(t["name"]),
                t["kind"],
                t["state"],
                show_percent(t["progress"]),
                t["stage"],
                show_time(t["create_time"]),
                t["error"],
            )
            for t in tasks
        ],
    )


@app.command("logs")
def logs(
    context: typer.Context,
    task: TaskName,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the task ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print a task's log; with --json one JSON object a line."""
    with client_of(context) as client:
        if not follow:
            lines = client.tasks.logs(task)
        else:
            lines = []
            # Fails at once where there is no such task or no gateway; to follow is to be patient with both.
            client.tasks.get(task)
            for message in client.tasks.follow(task):
                if message["type"] == "LOG":
                    _print_line(message["log"], as_json)
                elif message["type"] == "TASK" and message["task"]["state"] in ENDED and not as_json:
                    ending = f"{id_of(task)} {message['task']['state']}. {message['task']['error']}"
                    console.print(ending.rstrip(), style="dim", markup=False, highlight=False)
        for line in lines:
            _print_line(line, as_json)


@app.command("result")
def result(
    context: typer.Context,
    task: TaskName,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to save it; predictions-{task}.{format} when left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Save what a batch prediction made, again if need be, and beside it the rows it left out."""
    if output is not None:
        check_place(output)
    with client_of(context) as client:
        found = client.tasks.get(task)
        if found["state"] in ENDED - {"succeeded"}:
            raise TaskFailed(found)
        if found["state"] != "succeeded":
            complain(f"{id_of(task)} is {found['state']}; follow it: fairlead tasks logs -f {id_of(task)}")
            raise typer.Exit(1)
        made = (found["result"] or {}).get("format") or "csv"
        if output is not None and output.suffix and format_of(output).value != made:
            raise typer.BadParameter(
                f"the result is {made}, which '{output.name}' says it is not; let it end with .{made}"
            )
        save_result(client, found, output or Path(f"predictions-{id_of(task)}.{made}"), as_json)


@app.command("cancel")
def cancel(context: typer.Context, task: TaskName, as_json: AsJson = False) -> None:
    """Stop a task."""
    with client_of(context) as client:
        stopped = client.tasks.cancel(task)
    if as_json:
        print_json(stopped)
    else:
        console.print(f"{id_of(stopped['name'])} is {stopped['state']}")


def _print_line(line: dict[str, object], as_json: bool) -> None:
    if as_json:
        print_json_line(line)
    else:
        console.out(log_line(line), highlight=False)
