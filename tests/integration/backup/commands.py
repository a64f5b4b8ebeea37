"""`fairlead backup` and `fairlead restore`, run as their user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.running import without_back_ends


def fairlead(*arguments: object, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it said."""
    return subprocess.run(
        [sys.executable, "-m", "fairlead.cli.main", *map(str, arguments)],
        env={**without_back_ends(os.environ), **(environment or {}), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def back_up(home: Path, folder: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Make a backup and return its figures."""
    return _figures(fairlead("backup", folder, "--home", home, "--json", environment=environment))


def restore(folder: Path, home: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Restore a backup and return its figures."""
    return _figures(fairlead("restore", folder, "--home", home, "--json", environment=environment))


def refusal(*arguments: object, environment: Mapping[str, str] | None = None) -> str:
    """Return the sentence with which a command refuses."""
    ended = fairlead(*arguments, environment=environment)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.stderr


def _figures(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))
