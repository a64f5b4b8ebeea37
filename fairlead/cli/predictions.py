"""`fairlead predict`, `fairlead predict-batch` and `fairlead feedback`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fairlead.cli.answers import print_answer
from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import console, print_json
from fairlead.cli.progress import TaskProgress
from fairlead.cli.rows import rows_of
from fairlead.cli.sources import dataset_of
from fairlead.client.names import short_name

DeploymentName = Annotated[str, typer.Argument(help="A deployment; `fairlead deployments list` shows them.")]


class Format(StrEnum):
    """How a batch prediction's result is written."""

    CSV = "csv"
    PARQUET = "parquet"


def predict(
    context: typer.Context,
    deployment: DeploymentName,
    values: Annotated[
        list[str] | None, typer.Argument(help="One row as COLUMN=VALUE ...; COLUMN= is a missing value.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Rows in CSV, JSON or JSON Lines; - reads standard input.")] = None,
    routing_key: Annotated[
        str | None, typer.Option(help="Of a traffic split, the same version answers the same key.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show how much each column moved each prediction.")
    ] = False,
    interval: Annotated[
        float | None, typer.Option(help="A coverage such as 0.9: show where the truth lies so often.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict a few rows online."""
    rows = rows_of(values or [], file)
    with client_of(context) as client:
        answer = client.deployments.predict(
            deployment, rows, routing_key=routing_key, explain=explain or None, interval=interval
        )
    if as_json:
        print_json(answer)
    else:
        print_answer(answer)


def predict_batch(
    context: typer.Context,
    deployment: DeploymentName,
    source: Annotated[str, typer.Argument(help="A file to upload, or a dataset or one of its versions.")],
    output: Annotated[
        Path | None, typer.Option(help="Where to save the result; {dataset}-predictions.{format} when left out.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to write the result.")] = Format.CSV,
    as_json: AsJson = False,
) -> None:
    """Predict every row of a file or a dataset."""
    with client_of(context) as client:
        dataset = dataset_of(client, source, quiet=as_json)
        with TaskProgress(f"predict {dataset}", quiet=as_json) as progress:
            task = client.deployments.predict_batch(deployment, dataset, format.value, progress)
        saved = output or Path(f"{short_name(dataset).split('/')[0]}-predictions.{format.value}")
        client.tasks.download_result(task["name"], saved)
    if as_json:
        print_json({**task["result"], "saved_to": str(saved)})
    else:
        console.print(f"{task['result']['row_count']:,} predictions in {saved}", markup=False)


def feedback(
    context: typer.Context,
    deployment: DeploymentName,
    request_id: Annotated[str, typer.Argument(help="The request that predicted; `fairlead predict` prints it.")],
    values: Annotated[list[str], typer.Argument(help="The truth of each row of the request, in order.")],
    as_json: AsJson = False,
) -> None:
    """Record what turned out to be right for an earlier prediction."""
    truths = [{"request_id": request_id, "row": row, "value": value} for row, value in enumerate(values)]
    with client_of(context) as client:
        answer = client.deployments.feedback(deployment, truths)
    if as_json:
        print_json(answer)
    else:
        console.print(f"Recorded {answer['accepted_count']} truths")
