"""Running helm and kubectl as people do."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any


class CommandFailed(AssertionError):
    """A command ended badly; the message has what it printed."""


def run(*command: str, given: str = "", seconds: float = 120.0) -> str:
    """Return what a command prints. Raises CommandFailed, also where it is not installed or takes too long."""
    if shutil.which(command[0]) is None:
        raise CommandFailed(f"{command[0]} is not on the PATH; tests of the cluster need helm and kubectl")
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{' '.join(command)} took more than {seconds:g} s") from error
    if done.returncode:
        raise CommandFailed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def kubectl(*arguments: str, given: str = "", seconds: float = 120.0) -> str:
    """Return what kubectl prints. Raises CommandFailed."""
    return run("kubectl", *arguments, given=given, seconds=seconds)


def objects(kind: str, *arguments: str) -> list[dict[str, Any]]:
    """Return the objects of a kind, or of several separated by commas, as the API has them."""
    found: list[dict[str, Any]] = json.loads(kubectl("get", kind, "-o", "json", *arguments))["items"]
    return found
