"""`fairlead predict`, `fairlead predict-batch` and `fairlead feedback`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fairlead.cli.answers import print_answer
from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import console, print_json
from fairlead.cli.progress import TaskProgress
from fairlead.cli.results import Format, check_place, format_of, save_result
from fairlead.cli.rows import rows_of
from fairlead.cli.sources import dataset_of
from fairlead.client.datasets import dataset_id_of
from fairlead.client.names import short_name

DeploymentName = Annotated[str, typer.Argument(help="A deployment; `fairlead deployments list` shows them.")]


BARE_ENDINGS = frozenset({".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".parquet", ".pq"})
"""Files that are predicted as they are; others are imported as datasets first."""


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
    source: Annotated[str, typer.Argument(help="A file to predict, or a dataset or one of its versions.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to save the result; {source}-predictions.{format} when left out."),
    ] = None,
    format: Annotated[
        Format | None, typer.Option(help="How to write the result; as the output's name ends, or CSV, when left out.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The version that predicts, such as adult/3; the champion when left out.")
    ] = None,
    max_rejected: Annotated[
        int | None, typer.Option(min=0, help="Rows that may be left out since they can't be read.")
    ] = None,
    as_dataset: Annotated[
        bool, typer.Option("--as-dataset", help="Import the file as a dataset first, which reads any spelling.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Predict every row of a file or a dataset; a file of any size is predicted as it is."""
    chosen = (format or format_of(output)).value
    file = Path(source).expanduser()
    check_place(output or Path("predictions"))
    bare = file.is_file() and file.suffix.lower() in BARE_ENDINGS and not as_dataset
    options: dict[str, Any] = {"model": model, "max_rejected_rows": max_rejected}
    with client_of(context) as client:
        if bare:
            name = dataset_id_of(file)
            with TaskProgress(f"predict {file.name}", quiet=as_json) as progress:
                task = client.deployments.predict_file(deployment, file, chosen, progress, **options)
        else:
            name = dataset_of(client, source, quiet=as_json)
            with TaskProgress(f"predict {name}", quiet=as_json) as progress:
                task = client.deployments.predict_batch(deployment, name, chosen, progress, **options)
        saved = output or Path(f"{short_name(name).split('/')[0]}-predictions.{chosen}")
        save_result(client, task, saved, as_json)


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
