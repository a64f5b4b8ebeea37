"""What a service says whose settings it can't work with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data import ROOT
from tests.ports import free_port


@pytest.mark.parametrize("service", ["gateway", "profiler", "trainer", "serving", "drift", "conductor"])
def test_one_line_says_why_it_can_not_start(tmp_path: Path, service: str) -> None:
    settings = {
        "FAIRLEAD_HOME": str(tmp_path),
        "FAIRLEAD_BASE_PORT": str(free_port(201)),
        "FAIRLEAD_EVENTS_URL": "ftp://nowhere",
    }
    ended = subprocess.run(
        [sys.executable, "-m", f"services.{service}"],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    (line,) = [line for line in (ended.stdout + ended.stderr).splitlines() if "can't start" in line]
    assert f"{service} can't start" in line
    assert "'ftp://nowhere' is not the URL of an event log" in line
    assert "Traceback" not in ended.stdout + ended.stderr
