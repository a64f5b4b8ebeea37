"""What the registry says of models that are not there."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from fairlead.api.trainer.v1.model_pb2 import ModelVersion
from fairlead.kit.database import open_database
from fairlead.kit.errors import NotFound
from services.trainer.adapters.mlflow_aliases import MlflowAliases
from services.trainer.adapters.registry import ModelTable
from services.trainer.adapters.schema import model_versions

MODEL = "projects/p/models/adult"


class NoAliases:
    def of_model(self, project: str, model: str) -> dict[str, int]:
        return {}


@pytest.fixture
def models(tmp_path: Path) -> ModelTable:
    engine = open_database(f"sqlite:///{tmp_path}/trainer.db")
    model_versions.create(engine)
    table = ModelTable(engine, cast("MlflowAliases", NoAliases()))
    table.add(ModelVersion(name=f"{MODEL}/versions/1"), "task")
    return table


@pytest.mark.parametrize("below", ["", "/versions/1", "/versions/latest", "/aliases/champion"])
def test_a_model_that_is_not_there_is_named_and_not_its_version(models: ModelTable, below: str) -> None:
    name = "projects/p/models/nix"
    with pytest.raises(NotFound, match=f"there is no model '{name}';"):
        models.version(f"{name}{below}") if below else models.versions(name, 0, "")


@pytest.mark.parametrize("below", ["/versions/2", "/aliases/champion"])
def test_a_version_that_is_not_there_is_told_of_one_that_is(models: ModelTable, below: str) -> None:
    with pytest.raises(NotFound, match=f"there is no model version '{MODEL}{below}'"):
        models.version(f"{MODEL}{below}")
    assert [each.name for each in models.versions(MODEL, 0, "")[0]] == [f"{MODEL}/versions/1"]
