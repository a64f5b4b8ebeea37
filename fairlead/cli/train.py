"""`fairlead train`: the whole job from a dataset to a registered model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import console, print_json
from fairlead.cli.progress import TaskProgress
from fairlead.cli.runs import print_leaderboard
from fairlead.client.datasets import dataset_id_of
from fairlead.client.names import id_of


def train(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="A dataset, one version of it, or a file to upload first.")],
    target: Annotated[
        str | None, typer.Option(help='A column, or a comparison such as "num > 0"; guessed when left out.')
    ] = None,
    budget: Annotated[str, typer.Option(help="Time for the search, such as 60s or 5m.")] = "60s",
    goal: Annotated[str | None, typer.Option(help='A wish in plain words, such as "predict income".')] = None,
    metric: Annotated[str | None, typer.Option(help="What to rank by; by the task when left out.")] = None,
    family: Annotated[list[str] | None, typer.Option(help="A model family to try; repeat for more.")] = None,
    model: Annotated[str | None, typer.Option(help="The model to add a version to; the dataset's id else.")] = None,
    require_approval: Annotated[bool, typer.Option(help="Wait for a person before the model is exported.")] = False,
    detach: Annotated[bool, typer.Option(help="Return at once; follow with `fairlead tasks logs -f`.")] = False,
    as_json: AsJson = False,
) -> None:
    """Profile, prepare, train, rank and register a model for a dataset."""
    with client_of(context) as client:
        file = Path(dataset)
        if file.is_file():
            with TaskProgress(f"upload {file.name}", quiet=as_json) as progress:
                client.datasets.upload(file, on_message=progress)
            dataset = dataset_id_of(file)
        workflow = client.workflows.start(
            dataset,
            goal=goal,
            target=target,
            budget=budget,
            metric=metric,
            families=family,
            model_id=model,
            require_approval=require_approval,
        )
        if not detach:
            with TaskProgress(f"train {dataset}", quiet=as_json) as progress:
                workflow = client.workflows.wait(workflow["name"], progress)
        if as_json:
            print_json(workflow)
            return
        if detach:
            console.print(f"Started. Follow it: fairlead tasks logs -f {id_of(workflow['name'])}")
            return
        print_leaderboard(client.runs.leaderboard(workflow["run"]))
        model_id, version = workflow["model_version"].split("/")[3::2]
        console.print(f"Registered [bold]{model_id}[/] version {version}")
        console.print(f"Next: fairlead deploy {model_id}/{version}", style="dim")
