"""`fairlead train`: the whole job from a dataset to a registered model."""

from __future__ import annotations

from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import complain, console, print_json
from fairlead.cli.progress import TaskProgress
from fairlead.cli.runs import print_leaderboard
from fairlead.cli.sources import dataset_of
from fairlead.client import Client, Json
from fairlead.client.names import id_of, short_name

Dataset = Annotated[
    str | None,
    typer.Argument(help="A dataset, one version of it, or a file to upload first; may be said in --goal instead."),
]
Target = Annotated[str | None, typer.Option(help='A column, or a comparison such as "num > 0"; guessed when left out.')]
Budget = Annotated[str | None, typer.Option(help="Time for the search, such as 60s or 5m; 60s when left out.")]
Goal = Annotated[str | None, typer.Option(help='A wish in plain words, such as "predict income within 5 minutes".')]
Metric = Annotated[
    str | None,
    typer.Option(help="roc_auc, log_loss, accuracy, f1_macro, rmse, mae or r2; by the task when left out."),
]
Families = Annotated[
    list[str] | None,
    typer.Option(
        help="A model family to try, repeat for more: linear, naive_bayes, decision_tree, random_forest, "
        "extra_trees, lightgbm or xgboost; by the data when left out."
    ),
]
SkipSteps = Annotated[
    list[str] | None,
    typer.Option(help="A suggested preparation step to leave out, by the id that the profile shows; repeatable."),
]
Model = Annotated[str | None, typer.Option(help="The model to add a version to; the dataset's id else.")]
Seed = Annotated[int | None, typer.Option(help="Seed of every random choice; 0 when left out.")]
Approval = Annotated[bool, typer.Option("--require-approval", help="Wait for a person before the model is exported.")]
Detach = Annotated[bool, typer.Option("--detach", help="Return at once; follow with `fairlead tasks logs -f`.")]


def train(
    context: typer.Context,
    dataset: Dataset = None,
    target: Target = None,
    budget: Budget = None,
    goal: Goal = None,
    metric: Metric = None,
    family: Families = None,
    skip_step: SkipSteps = None,
    model: Model = None,
    seed: Seed = None,
    require_approval: Approval = False,
    detach: Detach = False,
    as_json: AsJson = False,
) -> None:
    """Profile, prepare, train, rank and register a model for a dataset."""
    if dataset is None and goal is None:
        raise typer.BadParameter("name a dataset or a file, or say it all in --goal")
    with client_of(context) as client:
        workflow = client.workflows.start(
            None if dataset is None else dataset_of(client, dataset, quiet=as_json),
            goal=goal,
            target=target,
            budget=budget,
            metric=metric,
            families=family,
            model_id=model,
            require_approval=require_approval,
            seed=seed,
            skip_steps=skip_step,
        )
        if not detach:
            workflow = _wait(client, workflow, quiet=as_json)
        if as_json:
            print_json(workflow)
        elif detach:
            console.print(f"Started. Follow it: fairlead tasks logs -f {id_of(workflow['name'])}")
        else:
            _print_outcome(client, workflow)


def _print_outcome(client: Client, workflow: Json) -> None:
    print_leaderboard(client.runs.leaderboard(workflow["run"]), limit=10)
    version = short_name(workflow["model_version"])
    console.print(f"Registered [bold]{version}[/]")
    console.print(f"Next: fairlead deploy {version}", style="dim")


def _wait(client: Client, workflow: Json, quiet: bool) -> Json:
    dataset = short_name(workflow["spec"]["dataset"]) if workflow["spec"] else ""
    try:
        with TaskProgress(f"train {dataset}".rstrip(), quiet=quiet) as progress:
            return client.workflows.wait(workflow["name"], progress)
    except KeyboardInterrupt:
        name = id_of(workflow["name"])
        complain(
            "interrupted; the training goes on", [f"fairlead tasks logs -f {name}", f"fairlead tasks cancel {name}"]
        )
        raise typer.Exit(130) from None
