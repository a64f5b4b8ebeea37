"""MLflow's own pages, on the trainer's database and artifacts."""

from __future__ import annotations

import os
import sys

from fairlead.services.trainer.adapters.mlflow_artifacts import artifact_environment
from fairlead.services.trainer.adapters.mlflow_database import open_mlflow
from fairlead.services.trainer.settings import TrainerSettings

settings = TrainerSettings()
# The tables are there, or are made as the trainer makes them, which may be at it too.
open_mlflow(settings.trainer_mlflow_url)
os.environ.update(artifact_environment(settings))
stores = (
    "--backend-store-uri",
    settings.trainer_mlflow_url,
    "--artifacts-destination",
    settings.trainer_mlflow_artifacts,
)
doors = ("--host", "0.0.0.0", "--port", "5000", "--workers", "1")
os.execv(sys.executable, [sys.executable, "-m", "mlflow", "server", *stores, *doors])
