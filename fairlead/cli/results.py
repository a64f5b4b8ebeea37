"""The files of batch predictions: how they are written, where they may be saved, and saving them."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

import typer

from fairlead.cli.output import console, errors, print_json
from fairlead.client import Client, Json
from fairlead.client.names import id_of


class Format(StrEnum):
    """How a batch prediction's result is written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


FORMATS = {"": Format.CSV, "pq": Format.PARQUET, "ndjson": Format.JSONL} | {each.value: each for each in Format}
"""By the ending of a file's name."""


def format_of(output: Path | None) -> Format:
    """Return what a file is written as by its name's ending, CSV without one. Raises BadParameter."""
    ending = output.suffix.lower().removeprefix(".") if output else ""
    if ending not in FORMATS:
        raise typer.BadParameter(
            f"'{output}': no result is written as .{ending}; let the name end with .csv, .parquet or .jsonl, "
            "or say which of them it is with --format"
        )
    return FORMATS[ending]


def check_place(output: Path) -> None:
    """Raise BadParameter where no file can be saved: it is asked before the work, which may take hours."""
    folder = output.parent
    if output.is_dir():
        raise typer.BadParameter(f"'{output}' is a folder; name a file in it")
    if not folder.is_dir():
        raise typer.BadParameter(f"there is no folder '{folder}' to save '{output.name}' in; make it, or name another")
    if not os.access(folder, os.W_OK):
        raise typer.BadParameter(f"nothing may be written to the folder '{folder}'; name another")


def save_result(client: Client, task: Json, output: Path, as_json: bool) -> None:
    """Save what a finished batch prediction made, and beside it what it left out, and say so."""
    try:
        client.tasks.download_result(task["name"], output)
        rejected = _save_rejected(client, task, output)
    except OSError:
        again = f"fairlead tasks result {id_of(task['name'])} -o FILE"
        errors.print(f"the result is kept; once there is a place for it: {again}", markup=False, highlight=False)
        raise
    if as_json:
        told = {"saved_to": str(output)} | ({"rejected_saved_to": str(rejected)} if rejected else {})
        print_json({**task["result"], **told})
    else:
        console.print(f"{task['result']['row_count']:,} predictions in {output}", markup=False)


def _save_rejected(client: Client, task: Json, saved: Path) -> Path | None:
    """Save what was left out beside the result and say so; return where, None where nothing was."""
    count = task["result"].get("rejected_row_count", 0)
    if not count:
        return None
    rejected = saved.with_name(f"{saved.stem}.rejected.csv")
    client.tasks.download_result(task["name"], rejected, "rejected")
    errors.print(f"{count:,} rows can't be read and were left out; {rejected} tells why", style="yellow", markup=False)
    return rejected
