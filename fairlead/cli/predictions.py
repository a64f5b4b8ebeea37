"""`fairlead predict`, `fairlead predict-batch` and `fairlead feedback`."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import typer

from fairlead.cli.answers import print_answer
from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import complain, console, errors, print_json
from fairlead.cli.progress import TaskProgress
from fairlead.cli.results import Format, check_place, format_of, save_result
from fairlead.cli.rows import rows_of
from fairlead.cli.sources import dataset_of
from fairlead.client import ApiError, Json, TaskFailed
from fairlead.client.datasets import dataset_id_of
from fairlead.client.names import id_of, short_name

DeploymentName = Annotated[str, typer.Argument(help="A deployment; `fairlead deployments list` shows them.")]


BARE_ENDINGS = frozenset({".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".parquet", ".pq"})
"""Files that are predicted as they are; others are imported as datasets first."""


# How a task says that its worker was ended, not that its work failed.
_CUT_OFF = re.compile(r"ended with signal|was interrupted \d+ times")


def predict(
    context: typer.Context,
    deployment: DeploymentName,
    values: Annotated[
        list[str] | None, typer.Argument(help="One row as COLUMN=VALUE ...; COLUMN= is a missing value.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Rows in CSV, JSON or JSON Lines, gzip too; - is standard input.")
    ] = None,
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
        try:
            answer = client.deployments.predict(
                deployment, rows, routing_key=routing_key, explain=explain or None, interval=interval
            )
        except ApiError as error:
            raise rows.told(error) from error
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
    if output is not None and file.is_file():
        _require_other_file(file, output)
    with client_of(context) as client:
        if bare:
            name = dataset_id_of(file)
            with _Followed(f"predict {file.name}", as_json) as progress:
                task = client.deployments.predict_file(deployment, file, chosen, progress, **options)
        else:
            name = dataset_of(client, source, quiet=as_json)
            with _Followed(f"predict {name}", as_json) as progress:
                task = client.deployments.predict_batch(deployment, name, chosen, progress, **options)
        saved = output or Path(f"{short_name(name).split('/')[0]}-predictions.{chosen}")
        save_result(client, task, saved, as_json)


def _require_other_file(source: Path, output: Path) -> None:
    """Raise BadParameter where the result, or what is left out, would be written over what is predicted."""
    for place in (output, output.with_name(f"{output.stem}.rejected.csv")):
        if place.exists() and place.samefile(source):
            raise typer.BadParameter(f"'{place}' would be written over the file that is predicted; name another output")


class _Followed:
    """Shows how a batch prediction goes, and says what to do about its task where it is left or was killed."""

    def __init__(self, title: str, quiet: bool) -> None:
        self._progress = TaskProgress(title, quiet=quiet)
        self._quiet = quiet
        self._id = ""

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __call__(self, message: Json) -> None:
        if message["type"] == "TASK" and not self._id:
            self._id = id_of(message["task"]["name"])
            if not self._quiet:
                errors.print(f"task {self._id}", markup=False, highlight=False)
        self._progress(message)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, trace)
        if isinstance(error, KeyboardInterrupt):
            self._tell_how_to_go_on()
            raise typer.Exit(130) from None
        if isinstance(error, TaskFailed) and _CUT_OFF.search(str(error)):
            said = f"{error}; run it again: it goes on where it was"
            raise TaskFailed({**error.task, "error": said}) from error

    def _tell_how_to_go_on(self) -> None:
        if not self._id:
            complain("interrupted before the prediction was seen to begin", ["fairlead tasks list"])
            return
        complain(
            f"interrupted; the prediction goes on as task {self._id}",
            [f"fairlead tasks result {self._id}", f"fairlead tasks cancel {self._id}"],
        )


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
