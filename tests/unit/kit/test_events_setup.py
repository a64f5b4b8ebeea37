"""Making the topics, where no broker is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.data import ROOT


def test_in_sqlite_topics_make_themselves(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "fairlead.kit.events.setup"],
        cwd=ROOT,
        env={"FAIRLEAD_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    (line,) = map(json.loads, ended.stderr.splitlines())
    assert line["event"] == "nothing to do: the event log is not Kafka"
    assert line["url"] == f"sqlite:///{tmp_path}/events.db"
