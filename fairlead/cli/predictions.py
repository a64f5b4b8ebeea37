"""`fairlead predict`, `fairlead predict-batch` and `fairlead feedback`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import console, print_json, print_table, show
from fairlead.cli.progress import TaskProgress
from fairlead.cli.rows import rows_of
from fairlead.client.datasets import dataset_id_of


def predict(
    context: typer.Context,
    deployment: str,
    values: Annotated[list[str] | None, typer.Argument(help="One row as COLUMN=VALUE ...")] = None,
    file: Annotated[Path | None, typer.Option(help="Rows in CSV, JSON or JSON Lines; - reads standard input.")] = None,
    as_json: AsJson = False,
) -> None:
    """Predict a few rows online."""
    rows = rows_of(values or [], file)
    with client_of(context) as client:
        answer = client.deployments.predict(deployment, rows)
    if as_json:
        print_json(answer)
        return
    print_table(
        ["row", "prediction", "probabilities"],
        [
            (number, p.get("label", p.get("value")), show(p.get("probabilities")))
            for number, p in enumerate(answer["predictions"])
        ],
    )
    console.print(f"request {answer['request_id']}, {answer['model_version']}", style="dim")


def predict_batch(
    context: typer.Context,
    deployment: str,
    source: Annotated[str, typer.Argument(help="A file to upload, or a dataset or one of its versions.")],
    output: Annotated[Path | None, typer.Option(help="Where to save the result.")] = None,
    format: Annotated[str, typer.Option(help="csv or parquet.")] = "csv",
    as_json: AsJson = False,
) -> None:
    """Predict every row of a file or a dataset."""
    with client_of(context) as client:
        file = Path(source)
        if file.is_file():
            with TaskProgress(f"upload {file.name}", quiet=as_json, logs=False) as progress:
                client.datasets.upload(file, on_message=progress)
            source = dataset_id_of(file)
        with TaskProgress(f"predict {source}", quiet=as_json) as progress:
            task = client.deployments.predict_batch(deployment, source, format, progress)
        saved = output or Path(f"{source.split('/')[0]}-predictions.{format}")
        client.tasks.download_result(task["name"], saved)
    if as_json:
        print_json({**task["result"], "saved_to": str(saved)})
    else:
        console.print(f"{task['result']['row_count']:,} predictions in [bold]{saved}[/]")


def feedback(
    context: typer.Context,
    deployment: str,
    request_id: str,
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
