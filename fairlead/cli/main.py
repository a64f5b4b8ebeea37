"""The command's tree and what happens to errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import httpx
import typer

from fairlead.cli import (
    backup,
    datasets,
    db,
    deployments,
    events,
    experiments,
    export,
    models,
    monitors,
    predictions,
    projects,
    runs,
    tasks,
    train,
    up,
    workflows,
)
from fairlead.cli.context import Options
from fairlead.cli.output import complain
from fairlead.cli.refusals import told
from fairlead.client.errors import ApiError, FairleadClientError, TaskFailed

cli = typer.Typer(
    name="fairlead",
    help="From a table to a served, watched model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
cli.command("up")(up.up)
cli.command("status")(up.status)
cli.add_typer(projects.app, name="projects")
cli.add_typer(datasets.app, name="datasets")
cli.command("train")(train.train)
cli.add_typer(workflows.app, name="workflows")
cli.add_typer(runs.app, name="runs")
cli.add_typer(models.app, name="models")
cli.add_typer(export.app, name="export")
cli.command("deploy")(deployments.deploy)
deployments.app.command("experiment")(experiments.experiment)
cli.add_typer(deployments.app, name="deployments")
cli.command("predict")(predictions.predict)
cli.command("predict-batch")(predictions.predict_batch)
cli.command("feedback")(predictions.feedback)
cli.add_typer(monitors.app, name="monitors")
cli.add_typer(tasks.app, name="tasks")
cli.add_typer(db.app, name="db")
cli.add_typer(events.app, name="events")
cli.command("backup")(backup.backup)
cli.command("restore")(backup.restore)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fairlead {version('fairlead')}")
        raise typer.Exit


@cli.callback()
def root(
    context: typer.Context,
    url: Annotated[str | None, typer.Option(envvar="FAIRLEAD_URL", help="Address of the gateway.")] = None,
    token: Annotated[str | None, typer.Option(envvar="FAIRLEAD_TOKEN", help="Token to sign in with.")] = None,
    project: Annotated[str, typer.Option(envvar="FAIRLEAD_PROJECT", help="Project to work in.")] = "default",
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """From a table to a served, watched model."""
    context.obj = Options(url, token, project)


def app(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments, or those of the process, name; ends the process.

    An expected failure ends with one sentence on standard error and status 1.
    """
    try:
        cli(arguments)
    except ApiError as error:
        complain(*told(error), error.request_id)
        sys.exit(1)
    except TaskFailed as error:
        complain(str(error), [f"its log: fairlead tasks logs {error.task['name'].rsplit('/', 1)[-1]}"])
        sys.exit(1)
    except FairleadClientError as error:
        complain(str(error))
        sys.exit(1)
    except httpx.ConnectError as error:
        address = f"{error.request.url.scheme}://{error.request.url.netloc.decode()}"
        complain(f"nothing answers at {address} ({error}); is `fairlead up` running there?")
        sys.exit(1)
    except httpx.HTTPError as error:
        complain(f"the connection to Fairlead failed: {error or type(error).__name__}")
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read the output, such as `head`, has enough; nothing is left to be flushed to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        complain(f"{error.filename or ''}: {error.strerror or error}".lstrip(": "))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    app()
