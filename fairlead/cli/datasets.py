"""`fairlead datasets`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import console, print_json, print_table, show_time
from fairlead.cli.profiles import print_profile
from fairlead.cli.progress import TaskProgress
from fairlead.client.names import id_of, short_name

app = typer.Typer(help="Upload and look at tables.", no_args_is_help=True)


@app.command("upload")
def upload(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSON, JSON Lines, Excel or Parquet; gzip is read as it is.")],
    name: Annotated[str | None, typer.Option(help="The dataset's id; made from the file's name when left out.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Excel: the sheet to read.")] = None,
    as_json: AsJson = False,
) -> None:
    """Upload a file as a new version of a dataset."""
    with client_of(context) as client, TaskProgress(f"upload {file.name}", quiet=as_json) as progress:
        version = client.datasets.upload(file, name, sheet, progress)
    if as_json:
        print_json(version)
        return
    dataset, _, number = short_name(version["name"]).split("/")
    console.print(
        f"[bold]{dataset}[/] version {number}: {version['row_count']:,} rows, {len(version['fields'])} columns"
    )
    for note in version["notes"]:
        console.print(f"  {note}", markup=False)
    console.print(f"Next: fairlead datasets profile {dataset}, or fairlead train {dataset}", style="dim")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the datasets."""
    with client_of(context) as client:
        datasets = client.datasets.list()
    if as_json:
        print_json(datasets)
        return
    print_table(
        ["dataset", "latest version", "made"],
        [(id_of(d["name"]), d["latest_version"], show_time(d["create_time"])) for d in datasets],
    )


@app.command("show")
def show(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="A dataset, or one version: adult/versions/2.")],
    rows: Annotated[int, typer.Option(help="Rows to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show a version and its first rows."""
    with client_of(context) as client:
        version = client.datasets.version(dataset)
        head = client.datasets.rows(dataset, rows)
    if as_json:
        print_json({**version, "rows": head})
        return
    console.print(f"[bold]{short_name(version['name'])}[/]: {version['row_count']:,} rows of ", end="")
    console.print(version["file_name"], markup=False, highlight=False)
    for note in version["notes"]:
        console.print(f"  {note}", markup=False, highlight=False)
    columns = [field["name"] for field in version["fields"]]
    print_table(columns, [[_as_stored(row.get(column)) for column in columns] for row in head])


@app.command("profile")
def profile(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="A dataset, or one version: adult/versions/2.")],
    target: Annotated[str | None, typer.Option(help="What to predict; guessed when left out.")] = None,
    previews: Annotated[bool, typer.Option("--previews", help="Show what each suggested step would do.")] = False,
    as_json: AsJson = False,
) -> None:
    """Profile a dataset and suggest preparation steps and models."""
    with client_of(context) as client, TaskProgress(f"profile {dataset}", quiet=as_json, logs=False) as progress:
        found = client.datasets.profile(dataset, target, progress)
    if as_json:
        print_json(found)
    else:
        print_profile(found, previews)


@app.command("delete")
def delete(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="A dataset; `fairlead datasets list` shows them.")],
    as_json: AsJson = False,
) -> None:
    """Remove a dataset with its versions from the list."""
    with client_of(context) as client:
        client.datasets.delete(dataset)
    if as_json:
        print_json({"deleted": dataset})
    else:
        console.print(f"Deleted {dataset}")


def _as_stored(value: object) -> str:
    return "" if value is None else str(value)
