"""What every contender is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from .environments import python_of
from .figures import Figures
from .load import Load
from .scenario import Scenario
from .server import Cores, running

PROGRAMS = Path(__file__).parent / "programs"
Measured = Iterator[tuple[str, Figures]]
"""Names and figures, one after another."""


@dataclass(frozen=True)
class Setting:
    """The model, the machine's cores, the load, and folders for what lasts and what does not."""

    scenario: Scenario
    cores: Cores
    load: Load
    cache: Path
    scratch: Path

    def python(self, environment: str) -> str:
        """The interpreter of an environment."""
        return str(python_of(environment, self.cache))

    def program(self, name: str) -> str:
        """The path of a program of this package."""
        return str(PROGRAMS / name)

    @contextmanager
    def server(
        self, command: Sequence[str], ready: Callable[[], bool], folder: Path | None = None, **environment: str
    ) -> Iterator[int]:
        """Run a server on the server's core; yields its process id."""
        log = self.scratch / "server.log"
        with running(command, self.cores.server, log, ready, environment, folder or self.scratch) as pid:
            yield pid

    def post(self, url: str, body: bytes) -> Any:
        """Return the JSON that one request is answered with."""
        answer = httpx.post(url, content=body, headers={"content-type": "application/json"}, timeout=60)
        if answer.status_code != 200:
            raise SystemExit(f"{url} answers {answer.status_code}: {answer.text[:500]}")
        return answer.json()
