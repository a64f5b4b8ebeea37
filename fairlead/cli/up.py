"""`fairlead up` and `fairlead status`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from fairlead.cli.context import AsJson, client_of
from fairlead.cli.output import complain, console, print_json, print_table
from fairlead.client.connection import default_home
from fairlead.up import Supervisor, UpError
from fairlead.up.ports import BENTOML, INFERENCE_GRPC, INFERENCE_REST


def up(
    port: Annotated[
        int,
        typer.Option(
            min=1, max=65000, envvar="FAIRLEAD_BASE_PORT", help="HTTP port of the gateway; the others follow from it."
        ),
    ] = 7400,
    home: Annotated[
        Path | None, typer.Option(envvar="FAIRLEAD_HOME", help="Folder to keep everything in; ~/.fairlead by default.")
    ] = None,
) -> None:
    """Start Fairlead on this machine and keep it running until Ctrl-C."""
    started = time.monotonic()
    supervisor = Supervisor(home or default_home(), port, say=lambda sentence: console.print(sentence, markup=False))
    supervisor.stop_on_signals()
    try:
        token = supervisor.start()
    except UpError as error:
        supervisor.stop()
        complain(str(error))
        raise typer.Exit(1) from error
    console.print(f"[bold green]Fairlead is ready[/] after {time.monotonic() - started:.1f} s")
    console.print(f"  REST, docs        {supervisor.url}/docs")
    console.print(
        f"  Open Inference    http://127.0.0.1:{port + INFERENCE_REST}/v2, gRPC 127.0.0.1:{port + INFERENCE_GRPC}"
    )
    console.print(f"  BentoML           http://127.0.0.1:{port + BENTOML}")
    console.print(f"  logs              {supervisor.home / 'logs'}")
    for line in supervisor.back_ends:
        console.print(f"  {line}", markup=False, highlight=False)
    if token.is_new:
        console.print(f"  admin token       {token.value}", markup=False)
        console.print(f"  It is shown this once and stored in {token.path}; commands on this machine find it there.")
        console.print(f"  sign in           {supervisor.url}/login?token={token.value}", markup=False)
    else:
        console.print(f"  admin token       in {token.path}")
        console.print(f"  sign in           {supervisor.url}/login?token=$(cat {token.path})", markup=False)
    console.print("Ctrl-C stops everything.")
    try:
        supervisor.run()
        console.print("Stopping ...")
    finally:
        supervisor.stop()
    console.print("Stopped.")


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the health of the services."""
    with client_of(context) as client:
        answer = client.status()
    if as_json:
        print_json(answer)
        return
    print_table(
        ["service", "state", "address"],
        [(s["service"], s["state"], s["address"]) for s in answer["services"]],
    )
