"""`fairlead workflows`."""

from __future__ import annotations

from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import console, print_json, print_table, show_time
from fairlead.client.names import id_of, short_name

WorkflowName = Annotated[str, typer.Argument(help="A workflow; `fairlead workflows list` shows them.")]

app = typer.Typer(help="Look at and review the jobs that `fairlead train` starts.", no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List workflows, newest first."""
    with client_of(context) as client:
        workflows = client.workflows.list()
    if as_json:
        print_json(workflows)
        return
    print_table(
        ["workflow", "state", "dataset", "model", "made", "error"],
        [
            (
                id_of(w["name"]),
                w["state"],
                short_name(w["dataset_version"]),
                short_name(w["model_version"]),
                show_time(w["create_time"]),
                w["error"],
            )
            for w in workflows
        ],
    )


@app.command("show")
def show(context: typer.Context, workflow: WorkflowName, as_json: AsJson = False) -> None:
    """Show a workflow's eight stages."""
    with client_of(context) as client:
        found = client.workflows.get(workflow)
    if as_json:
        print_json(found)
        return
    console.print(f"[bold]{id_of(found['name'])}[/] {found['state']} ", end="")
    console.print(found["error"], markup=False, highlight=False)
    print_table(["stage", "state", "what came out"], [(s["id"], s["state"], s["summary"]) for s in found["stages"]])
    if found["state"] == "waiting":
        console.print(f"Next: fairlead workflows review {id_of(found['name'])} --approve (or --reject)", style="dim")


@app.command("review")
def review(
    context: typer.Context,
    workflow: WorkflowName,
    approve: Annotated[bool, typer.Option("--approve/--reject", help="Let the model be exported, or not.")],
    comment: Annotated[str, typer.Option(help="Why.")] = "",
    as_json: AsJson = False,
) -> None:
    """Answer a review stage that waits for a person."""
    with client_of(context) as client:
        found = client.workflows.review(workflow, approve, comment)
    if as_json:
        print_json(found)
    else:
        console.print(f"{'Approved' if approve else 'Rejected'} {id_of(found['name'])}")
