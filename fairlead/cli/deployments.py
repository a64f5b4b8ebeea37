"""`fairlead deploy` and `fairlead deployments`."""

from __future__ import annotations

from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import console, print_json, print_table
from fairlead.client import ApiError
from fairlead.client.names import id_of, model_version_path

app = typer.Typer(help="Models that answer.", no_args_is_help=True)


def deploy(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model (its champion), adult/3 or adult@challenger.")],
    name: Annotated[str | None, typer.Option(help="The deployment's id; the model's when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Serve a model version; a deployment of that name changes over to it without a gap."""
    deployment_id = name or model_version_path(model).split("/")[1]
    with client_of(context) as client:
        try:
            deployment = client.deployments.create(deployment_id, model)
        except ApiError as error:
            if error.code != "ALREADY_EXISTS":
                raise
            deployment = client.deployments.update(deployment_id, model)
    if as_json:
        print_json(deployment)
        return
    console.print(f"[bold]{deployment_id}[/] serves {deployment['model_version']} ({deployment['state']})")
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
        ["deployment", "state", "model version", "inference name", "changed"],
        [
            (id_of(d["name"]), d["state"], d["model_version"], d["inference_name"], d["update_time"])
            for d in deployments
        ],
    )


@app.command("delete")
def delete(context: typer.Context, deployment: str) -> None:
    """Stop serving a deployment."""
    with client_of(context) as client:
        client.deployments.delete(deployment)
    console.print(f"Deleted {deployment}")
