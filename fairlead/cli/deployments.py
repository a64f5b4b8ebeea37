"""`fairlead deploy` and `fairlead deployments`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of, project_of
from fairlead.cli.output import complain, console, print_json, print_table, show_time
from fairlead.cli.traffic import steps_of, targets_of
from fairlead.client import ApiError, Client, Json
from fairlead.client.names import id_of, model_version_path, short_name

CHAMPION = "champion"
"""The alias that a model named without a version stands for."""

app = typer.Typer(help="Models that answer, and how versions share their requests.", no_args_is_help=True)

DeploymentName = Annotated[str, typer.Argument(help="A deployment; `fairlead deployments list` shows them.")]


def _share(rate: float | None) -> float | None:
    # A comparison that is false for NaN too.
    if rate is not None and not 0 < rate <= 1:
        raise typer.BadParameter(
            f"{rate:g} is no share of the requests to log: give one above 0, such as 0.01, or 1 for every request; "
            "drift, feedback and experiments live on the log, so it can't be switched off"
        )
    return rate


Pinned = Annotated[
    bool | None, typer.Option("--pinned/--no-pinned", help="Keep its models in memory, however long nobody asks.")
]
LogSampling = Annotated[
    float | None,
    typer.Option(callback=_share, help="The share of requests to keep in the prediction log, above 0; 1 for all."),
]


def deploy(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model (its champion), adult/3 or adult@challenger.")],
    name: Annotated[str | None, typer.Option(help="The deployment's id; the model's when left out.")] = None,
    pinned: Pinned = None,
    log_sampling: LogSampling = None,
    as_json: AsJson = False,
) -> None:
    """Serve a model version; a deployment of that name changes over to it without a gap, and to it alone.

    `fairlead deployments set` changes how one is kept and logged, and leaves its traffic split as it is.
    """
    deployment_id = name or model_version_path(model, project_of(context)).split("/")[1]
    with client_of(context) as client:
        try:
            deployment = client.deployments.create(deployment_id, model, pinned, log_sampling)
        except ApiError as error:
            if error.code != "ALREADY_EXISTS":
                raise
            deployment = client.deployments.update(deployment_id, model, pinned, log_sampling)
    if as_json:
        print_json(deployment)
    elif deployment["state"] != "failed":
        _print_deployed(deployment)
    if deployment["state"] == "failed":
        complain(f"{deployment_id} does not serve: {deployment['error']}")
        raise typer.Exit(1)


def _print_deployed(deployment: Json) -> None:
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
                _shares(d["traffic"]) if len(d["traffic"]) > 1 else short_name(d["model_version"]),
                d["inference_name"],
                show_time(d["update_time"]),
                d["error"],
            )
            for d in deployments
        ],
    )


@app.command("show")
def show(context: typer.Context, deployment: DeploymentName, as_json: AsJson = False) -> None:
    """Show a deployment: its traffic split, the steps to come, and what a rollback returns to."""
    with client_of(context) as client:
        _report(client.deployments.get(deployment), as_json)


@app.command("set")
def set_(
    context: typer.Context,
    deployment: DeploymentName,
    pinned: Pinned = None,
    log_sampling: LogSampling = None,
    as_json: AsJson = False,
) -> None:
    """Change how a deployment's models are kept and its requests logged; who answers stays as it is."""
    if pinned is None and log_sampling is None:
        raise typer.BadParameter("say what to change: --pinned, --no-pinned or --log-sampling RATE")
    with client_of(context) as client:
        _report(client.deployments.update(deployment, pinned=pinned, log_sampling_rate=log_sampling), as_json)


@app.command("traffic")
def traffic(
    context: typer.Context,
    deployment: DeploymentName,
    shares: Annotated[
        list[str] | None, typer.Argument(help="VERSION=PERCENT ..., such as adult/3=90 adult/4=10; 100 in all.")
    ] = None,
    shadow: Annotated[
        list[str] | None, typer.Option(help="A version that predicts what others answer, for the log alone.")
    ] = None,
    step: Annotated[
        list[str] | None,
        typer.Option(
            help="A split to come: 25@30m gives the last version named 25 percent in 30 minutes (or s, h, d, or at a "
            "time such as 2026-01-31T17:00) and the other the rest; or adult/3=75,adult/4=25@30m."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Divide a deployment's requests among model versions, now and in steps; no request fails meanwhile.

    The steps replace those that were planned. With --step alone the split stays as it is until the first.
    """
    if not shares and not step:
        raise typer.BadParameter("say who answers, such as adult/3=90 adult/4=10, or plan it with --step")
    if shadow and not shares:
        raise typer.BadParameter("--shadow is part of a split; name who answers, too, such as adult/3=100")
    targets = targets_of(shares or (), shadow or ())
    with client_of(context) as client:
        base = targets or (client.deployments.get(deployment)["traffic"] if step else [])
        steps = steps_of(step or (), base, datetime.now(UTC))
        changed = client.deployments.split_traffic(deployment, targets, steps)
    _report(changed, as_json)


@app.command("promote")
def promote(
    context: typer.Context,
    deployment: DeploymentName,
    version: Annotated[
        str | None, typer.Argument(help="Such as adult/4; left out, the only one beside the champion.")
    ] = None,
    alias: Annotated[
        bool, typer.Option("--alias", help="Make it the model's champion too: the one that `fairlead deploy` takes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let one version of the traffic split answer everything; steps to come are dropped.

    The model's alias champion, which `fairlead deploy MODEL` and `fairlead export bento MODEL` take, needs --alias.
    """
    with client_of(context) as client:
        changed = client.deployments.promote(deployment, version)
        if alias:
            model, number = short_name(changed["model_version"]).rsplit("/", 1)
            client.models.set_alias(model, CHAMPION, int(number))
        _report(changed, as_json)
        if not as_json:
            _tell_alias(client, changed)


@app.command("rollback")
def rollback(context: typer.Context, deployment: DeploymentName, as_json: AsJson = False) -> None:
    """Return at once to the traffic split before this one; steps to come are dropped."""
    with client_of(context) as client:
        changed = client.deployments.roll_back(deployment)
        _report(changed, as_json)
        if not as_json:
            _tell_alias(client, changed)


@app.command("delete")
def delete(context: typer.Context, deployment: DeploymentName, as_json: AsJson = False) -> None:
    """Stop serving a deployment."""
    with client_of(context) as client:
        client.deployments.delete(deployment)
    if as_json:
        print_json({"deleted": deployment})
    else:
        console.print(f"Deleted {deployment}")


def _tell_alias(client: Client, deployment: Json) -> None:
    """Say where the model's champion is another version than the deployment's, and how to change that."""
    model, number = short_name(deployment["model_version"]).rsplit("/", 1)
    try:
        champion = client.models.get(model)["aliases"].get(CHAMPION)
    except ApiError:
        # Nothing but a hint.
        return
    if champion is not None and champion != int(number):
        hint = f"The model's own champion stays {model}/{champion}: `fairlead deploy {model}` would go back to it."
        console.print(f"{hint} To change that: fairlead models alias {model} {CHAMPION} {number}", style="dim")


def _report(deployment: Json, as_json: bool) -> None:
    if as_json:
        print_json(deployment)
        return
    deployment_id = id_of(deployment["name"])
    rate = deployment["log_sampling_rate"]
    facts = [deployment["state"], *(["pinned"] if deployment["pinned"] else [])]
    facts += [f"{rate:.4g} of its requests are logged"] if rate not in (0, 1, None) else []
    console.print(f"{deployment_id} ({', '.join(facts)})", markup=False, highlight=False)
    if deployment["error"]:
        console.print(f"  {deployment['error']}", markup=False, highlight=False)
    roles = _roles(deployment["traffic"])
    rows = [
        (short_name(target["model_version"]), "" if target["shadow"] else _percent(target), role)
        for target, role in zip(deployment["traffic"], roles, strict=True)
    ]
    print_table(["version", "share", "role"], rows)
    for step in deployment["steps"]:
        console.print(f"{show_time(step['time'])}: {_shares(step['traffic'])}", markup=False, highlight=False)
    if deployment["previous_traffic"]:
        before = _shares(deployment["previous_traffic"])
        console.print(f"Before: {before}; back to it: fairlead deployments rollback {deployment_id}", style="dim")


def _roles(traffic: Sequence[Json]) -> list[str]:
    """Return who is the champion, which comes first, who challenges it, and who predicts for the log alone."""
    return [
        "shadow" if target["shadow"] else "challenger" if index else "champion" for index, target in enumerate(traffic)
    ]


def _shares(traffic: Sequence[Json]) -> str:
    return ", ".join(
        f"{short_name(target['model_version'])} {'shadow' if target['shadow'] else _percent(target)}"
        for target in traffic
    )


def _percent(target: Json) -> str:
    return f"{target['percent']:.6g} %"
