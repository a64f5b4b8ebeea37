"""How MLflow is told to show the trainer's runs and models."""

from __future__ import annotations

from mlflow.cli import server

from services.trainer.mlflow_pages import command, variables
from services.trainer.settings import TrainerSettings

SETTINGS = TrainerSettings(
    trainer_mlflow_url="postgresql://fairlead@db/fairlead",
    trainer_mlflow_artifacts="s3://models/mlflow",
    s3_endpoint_url="http://s3:7070",
)


def test_it_shows_what_the_trainer_keeps() -> None:
    told = command(SETTINGS)

    assert told[told.index("--backend-store-uri") + 1] == "postgresql://fairlead@db/fairlead"
    assert told[told.index("--artifacts-destination") + 1] == "s3://models/mlflow"
    assert variables(SETTINGS)["MLFLOW_S3_ENDPOINT_URL"] == "http://s3:7070"


def test_mlflow_knows_all_that_it_is_told() -> None:
    known = {option for each in server.params for option in each.opts}

    assert {word for word in command(SETTINGS) if word.startswith("--")} <= known
