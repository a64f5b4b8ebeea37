"""`fairlead deploy` and `fairlead deployments`."""

from __future__ import annotations

from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of, project_of
from fairlead.cli.output import complain, console, print_json, print_table, show_time
from fairlead.client import ApiError, Json
from fairlead.client.names import id_of, model_version_path, short_name

app = typer.Typer(help="Models that answer.", no_args_is_help=True)


def deploy(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model (its champion), adult/3 or adult@challenger.")],
    name: Annotated[str | None, typer.Option(help="The deployment's id; the model's when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Serve a model version; a deployment of that name changes over to it without a gap."""
    deployment_id = name or model_version_path(model, project_of(context)).split("/")[1]
    with client_of(context) as client:
        try:
            deployment = client.deployments.create(deployment_id, model)
        except ApiError as error:
            if error.code != "ALREADY_EXISTS":
                raise
            deployment = client.deployments.update(deployment_id, model)
    if as_json:
        print_json(deployment)
    elif deployment["state"] != "failed":
        _print_deployment(deployment)
    if deployment["state"] == "failed":
        complain(f"{deployment_id} does not serve: {deployment['error']}")
        raise typer.Exit(1)


def _print_deployment(deployment: Json) -> None:
    deployment_id = id_of(deployment["name"])
    console.print(f"[bold]{deployment_id}[/] serves {short_name(deployment['model_version'])} ({deployment['state']})")
    console.print(f"  Open Inference model name: {deployment['inference_name']}")
    console.print(f"Next: fairlead predict {deployment_id} COLUMN=VALUE ..., fairlead monitors status", style="dim")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the deployments."""
    with client_of(context) as client:
        deployments = client.deployments.list()
    if as_json:
        print_json(deployments)
        return
    print_table(
        ["deployment", "state", "model", "inference name", "changed", "error"],
        [
            (
                id_of(d["name"]),
                d["state"],
                short_name(d["model_version"]),
                d["inference_name"],
                show_time(d["update_time"]),
                d["error"],
            )
            for d in deployments
        ],
    )


@app.command("delete")
def delete(
    context: typer.Context,
    deployment: Annotated[str, typer.Argument(help="A deployment; `fairlead deployments list` shows them.")],
    as_json: AsJson = False,
) -> None:
    """Stop serving a deployment."""
    with client_of(context) as client:
        client.deployments.delete(deployment)
    if as_json:
        print_json({"deleted": deployment})
    else:
        console.print(f"Deleted {deployment}")
