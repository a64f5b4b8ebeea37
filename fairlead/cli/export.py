"""`fairlead export`: a model version as something that runs without Fairlead."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.operating import operating
from fairlead.cli.output import console, print_json
from fairlead.client.names import short_name

if TYPE_CHECKING:
    from fairlead.admin.bento import ExportedBento

app = typer.Typer(help="Models as something that runs without Fairlead.", no_args_is_help=True)


@app.command("bento")
def bento(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model (its champion), adult/3 or adult@challenger.")],
    output: Annotated[
        Path | None,
        typer.Option(
            help="A folder to make, for `bentoml serve`; or an archive, where it ends with .bento, for "
            "`bentoml import`. {model}-{version}-bento when left out."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a Bento of a model version: `bentoml serve` runs it, and `bentoml containerize` makes an image of it."""
    with operating("serving"):
        from fairlead.admin.bento import check_export, export_bento

        with client_of(context) as client, TemporaryDirectory(prefix="fairlead-") as folder:
            version = client.models.version(model)["name"]
            package = Path(folder, "package.zip")
            made_at = output or Path(f"{short_name(version).replace('/', '-')}-bento")
            check_export(made_at)
            client.models.download_package(version, package)
            made = export_bento(package, version, made_at)
    if as_json:
        print_json({**asdict(made), "path": str(made.path)})
    else:
        _print(made)


def _print(made: ExportedBento) -> None:
    runtime = "one ONNX graph" if made.runtime == "onnx" else "the pickled estimator"
    console.print(f"{short_name(made.model_version)} is a Bento in {made.path} ({made.tag}, {runtime})", markup=False)
    console.print(f"  It needs {', '.join(made.requirements)} and bentoml", markup=False)
    if made.path.suffix == ".bento":
        console.print(f"Next: bentoml import {made.path}, then bentoml serve or containerize {made.tag}", style="dim")
    else:
        console.print(f"Next: bentoml serve {made.path}; {made.path}/README.md has an example", style="dim")
