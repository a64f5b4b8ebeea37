"""What a command works on: a file, which is uploaded first, or a dataset."""

from __future__ import annotations

from pathlib import Path

import typer

from fairlead.cli.progress import TaskProgress
from fairlead.client import Client
from fairlead.client.names import short_name


def dataset_of(client: Client, source: str, quiet: bool) -> str:
    """Return the dataset version that a file became, or the dataset as it was given.

    Raises BadParameter for what looks like a file and is none, and what an upload raises.
    """
    file = Path(source).expanduser()
    if file.is_file():
        with TaskProgress(f"upload {file.name}", quiet=quiet, logs=False) as progress:
            version = client.datasets.upload(file, on_message=progress)
        return short_name(version["name"])
    if "." in source or source.startswith(("/", "~")):
        raise typer.BadParameter(f"there is no file '{source}'; a dataset is named like adult or adult/versions/2")
    return source
