"""What the root options say, and the client they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from fairlead.client import Client

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@dataclass(frozen=True)
class Options:
    """The options given before the command."""

    url: str | None
    token: str | None
    project: str


def project_of(context: typer.Context) -> str:
    """Return the project that the root options choose."""
    options: Options = context.obj
    return options.project


def client_of(context: typer.Context) -> Client:
    """Return a client for the root options. Raises NotConnected."""
    options: Options = context.obj
    return Client(options.url, options.token, options.project)
