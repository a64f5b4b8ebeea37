"""What the commands of operators share: they work on the back ends themselves, not through the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from fairlead.cli.output import complain

Home = Annotated[
    Path | None,
    typer.Option(envvar="FAIRLEAD_HOME", help="Folder that Fairlead keeps all in; ~/.fairlead by default."),
]


@contextmanager
def operating(extra: str = "all") -> Iterator[None]:
    """Tell of what went wrong in a sentence, and end with status 1.

    The body imports what it works with: where a library is missing, the sentence names the extra that brings it.
    """
    # Here, so that a command of the client alone does not need it.
    from fairlead.kit.errors import FairleadError

    try:
        yield
    except ImportError as error:
        complain(f"this needs the libraries of the services ({error.name}); pip install 'fairlead[{extra}]'")
        raise typer.Exit(1) from error
    except FairleadError as error:
        complain(error.message)
        raise typer.Exit(1) from error
