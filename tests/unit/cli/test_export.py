from __future__ import annotations

from pathlib import Path

from services.gateway.schemas.model import ModelVersion
from tests.unit.cli.conftest import Shell
from tests.unit.client.stage import Answer, Stage, calls, problem

CHAMPION = ModelVersion.example() | {"name": "projects/default/models/adult/versions/3"}


def test_a_package_that_can_not_be_served_is_told_and_leaves_nothing(
    stage: Stage, shell: Shell, tmp_path: Path
) -> None:
    stage.answer("GET /models/adult/aliases/champion", CHAMPION)
    # An empty zip.
    stage.answer("GET /models/adult/versions/3/package", Answer(b"PK\5\6" + bytes(18), kind="application/zip"))

    said = shell.run("export bento adult")

    assert said.status == 1
    assert "the package of projects/default/models/adult/versions/3 has no manifest.json" in said.err
    assert calls(stage.asked) == ["GET /models/adult/aliases/champion", "GET /models/adult/versions/3/package"]
    assert [path.name for path in tmp_path.iterdir()] == []


def test_what_is_there_is_not_overwritten_nor_downloaded_for(stage: Stage, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "adult-3-bento").mkdir()
    stage.answer("GET /models/adult/versions/3", CHAMPION)

    said = shell.run("export bento adult/3")

    assert said.status == 1
    assert "adult-3-bento is there already; remove it or choose another with --output" in said.err
    assert calls(stage.asked) == ["GET /models/adult/versions/3"]


def test_a_model_that_is_not_there_is_told(stage: Stage, shell: Shell) -> None:
    stage.answer("GET /models/none/aliases/champion", problem(404, "NOT_FOUND", "there is no model 'none'"))

    assert "there is no model 'none'" in shell.run("export bento none").err
