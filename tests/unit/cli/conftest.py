from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fairlead.cli.main import app
from tests.unit.client.stage import Stage, open_stage


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    """Runs the command in this process, against the stage, in an empty folder."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def run(self, line: str, *more: str) -> Said:
        self._capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            app([*shlex.split(line), *more])
        printed = self._capture.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, printed.out, printed.err)

    def ok(self, line: str, *more: str) -> str:
        said = self.run(line, *more)
        assert said.status == 0, said.err
        return said.out

    def json(self, line: str, *more: str) -> Any:
        return json.loads(self.ok(line, *more, "--json"))


@pytest.fixture
def stage() -> Iterator[Stage]:
    with open_stage() as stage:
        yield stage


@pytest.fixture
def shell(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    monkeypatch.setenv("FAIRLEAD_URL", stage.url)
    monkeypatch.setenv("FAIRLEAD_TOKEN", "secret")
    monkeypatch.setenv("FAIRLEAD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FAIRLEAD_PROJECT", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(tmp_path)
    return Shell(capsys)
