"""`fairlead projects`."""

from __future__ import annotations

from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import console, print_json, print_table, show_time
from fairlead.client.names import id_of

app = typer.Typer(help="Projects keep teams' resources apart.", no_args_is_help=True)


@app.command("create")
def create(
    context: typer.Context,
    project_id: Annotated[str, typer.Argument(help="Lowercase letters, digits and hyphens, at most 63.")],
    display_name: Annotated[str, typer.Option(help="A name for people.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a project."""
    with client_of(context) as client:
        project = client.projects.create(project_id, display_name)
    if as_json:
        print_json(project)
    else:
        console.print(f"Made project {id_of(project['name'])}; work in it with --project {id_of(project['name'])}")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the projects."""
    with client_of(context) as client:
        projects = client.projects.list()
    if as_json:
        print_json(projects)
        return
    print_table(
        ["project", "name", "made"],
        [(id_of(p["name"]), p["display_name"], show_time(p["create_time"])) for p in projects],
    )
