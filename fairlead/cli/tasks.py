"""`fairlead tasks`."""

from __future__ import annotations

from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import console, print_json, print_table
from fairlead.cli.progress import log_line
from fairlead.client.names import id_of
from fairlead.client.tasks import ENDED

app = typer.Typer(help="Long work: look, follow, cancel.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="pending, running, succeeded, failed or cancelled.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List tasks, newest first."""
    with client_of(context) as client:
        tasks = client.tasks.list(limit, state)
    if as_json:
        print_json(tasks)
        return
    print_table(
        ["task", "kind", "state", "progress", "stage", "made", "error"],
        [
            (id_of(t["name"]), t["kind"], t["state"], f"{t['progress']:.0%}", t["stage"], t["create_time"], t["error"])
            for t in tasks
        ],
    )


@app.command("logs")
def logs(
    context: typer.Context,
    task: str,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the task ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print a task's log; with --json one JSON object a line."""
    with client_of(context) as client:
        if not follow:
            lines = client.tasks.logs(task)
        else:
            lines = []
            for message in client.tasks.follow(task):
                if message["type"] == "LOG":
                    _print_line(message["log"], as_json)
                elif message["type"] == "TASK" and message["task"]["state"] in ENDED and not as_json:
                    console.print(f"{id_of(task)} {message['task']['state']}. {message['task']['error']}", style="dim")
        for line in lines:
            _print_line(line, as_json)


@app.command("cancel")
def cancel(context: typer.Context, task: str, as_json: AsJson = False) -> None:
    """Stop a task."""
    with client_of(context) as client:
        stopped = client.tasks.cancel(task)
    if as_json:
        print_json(stopped)
    else:
        console.print(f"{id_of(stopped['name'])} is {stopped['state']}")


def _print_line(line: dict[str, object], as_json: bool) -> None:
    import json

    console.out(json.dumps(line, ensure_ascii=False) if as_json else log_line(line), highlight=False)
