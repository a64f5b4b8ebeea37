"""A Docker Compose project of the test's own."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.data import ROOT
from tests.ports import free_port

HERE = Path(__file__).resolve().parent
FILE = ROOT / "deploy" / "compose.yaml"
DOORS = ("GATEWAY_PORT", "MLFLOW_PORT", "S3_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT")


@cache
def compose_command() -> tuple[str, ...]:
    """Return the command that is Docker Compose here."""
    done = subprocess.run([HERE / "get_compose.sh"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return tuple(done.stdout.split())


@dataclass(frozen=True)
class Stack:
    """What deploy/compose.yaml describes, with secrets and doors of its own."""

    secrets: Path
    files: tuple[Path, ...] = (FILE,)
    name: str = field(default_factory=lambda: f"fairlead-test-{uuid.uuid4().hex[:8]}")
    doors: Mapping[str, int] = field(default_factory=lambda: {door: free_port() for door in DOORS})

    def run(self, *arguments: str, seconds: float = 900) -> str:
        """Run a command of Compose and return what it prints; an AssertionError shows all of it where it fails."""
        named = [part for file in self.files for part in ("--file", str(file))]
        done = subprocess.run(
            [*compose_command(), "--project-name", self.name, "--env-file", str(self.secrets), *named, *arguments],
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**os.environ, **{door: str(port) for door, port in self.doors.items()}},
        )
        assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}\n{self._logs(arguments)}"
        return done.stdout

    def config(self) -> dict[str, Any]:
        """Return the files as Compose understands them."""
        return dict(json.loads(self.run("config", "--format", "json")))

    def url(self, door: str) -> str:
        """Return where a door of the stack is on this machine."""
        return f"http://127.0.0.1:{self.doors[door]}"

    def _logs(self, arguments: tuple[str, ...]) -> str:
        return self.run("logs", "--no-color", "--tail", "40") if arguments[0] in ("up", "run") else ""


def new_secrets(folder: Path) -> Path:
    """Write secrets as a user does and return the file."""
    file = folder / "secrets.env"
    subprocess.run([ROOT / "deploy" / "compose" / "secrets.sh", str(file)], check=True, capture_output=True)
    return file
