"""`fairlead models`."""

from __future__ import annotations

from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import console, print_json, print_table, show_time
from fairlead.client.names import id_of

ModelName = Annotated[str, typer.Argument(help="A model; `fairlead models list` shows them.")]

app = typer.Typer(help="The model registry.", no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the models."""
    with client_of(context) as client:
        models = client.models.list()
    if as_json:
        print_json(models)
        return
    print_table(
        ["model", "latest version", "aliases", "made"],
        [(id_of(m["name"]), m["latest_version"], m["aliases"], show_time(m["create_time"])) for m in models],
    )


@app.command("versions")
def versions(context: typer.Context, model: ModelName, as_json: AsJson = False) -> None:
    """List a model's versions, newest first."""
    with client_of(context) as client:
        found = client.models.versions(model)
    if as_json:
        print_json(found)
        return
    print_table(
        ["version", "aliases", "candidate", "runtime", "metrics", "made"],
        [
            (
                id_of(v["name"]),
                ", ".join(v["aliases"]),
                (v["manifest"] or {}).get("candidate"),
                (v["manifest"] or {}).get("runtime"),
                (v["manifest"] or {}).get("metrics"),
                show_time(v["create_time"]),
            )
            for v in found
        ],
    )


@app.command("alias")
def alias(
    context: typer.Context,
    model: ModelName,
    alias: Annotated[str, typer.Argument(help="Such as champion, which `fairlead deploy MODEL` serves.")],
    version: Annotated[int, typer.Argument(help="The version's number.")],
    as_json: AsJson = False,
) -> None:
    """Point an alias, such as champion, at a version."""
    with client_of(context) as client:
        found = client.models.set_alias(model, alias, version)
    if as_json:
        print_json(found)
    else:
        console.print(f"{model}@{alias} is version {version}")
