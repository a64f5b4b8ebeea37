"""`fairlead up` from its first start to its last stop, each on a Fairlead of the test's own."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from tests.e2e.running import RunningFairlead

pytestmark = pytest.mark.e2e


def test_up_from_the_first_start_to_the_last_stop(tmp_path: Path, fresh_back_ends: Mapping[str, str]) -> None:
    fairlead = RunningFairlead.start(tmp_path, environment=fresh_back_ends)
    children = psutil.Process(fairlead.process.pid).children(recursive=True)

    assert "admin token" in fairlead.said()
    assert fairlead.token in fairlead.said()
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert fairlead.stop() == 0
    assert psutil.wait_procs(children, timeout=5)[1] == []

    again = fairlead.again()
    try:
        assert again.token not in again.said()
    finally:
        again.stop()


def test_killing_up_itself_leaves_nothing_behind(tmp_path: Path, fresh_back_ends: Mapping[str, str]) -> None:
    fairlead = RunningFairlead.start(tmp_path, environment=fresh_back_ends)
    children = psutil.Process(fairlead.process.pid).children(recursive=True)

    fairlead.process.kill()

    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert fairlead.again().stop() == 0
