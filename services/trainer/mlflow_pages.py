"""MLflow's own pages on the trainer's runs and models: `python -m <package>.mlflow_pages`."""

# Whoever reaches them may read and change all there is: MLflow asks nobody who they are.

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from .adapters.mlflow_artifacts import artifact_environment
from .adapters.mlflow_database import open_mlflow
from .settings import TrainerSettings

PORT = 5000


def command(settings: TrainerSettings) -> Sequence[str]:
    """Return the arguments of Python with which MLflow shows the trainer's database and artifacts."""
    stores = (
        *("--backend-store-uri", settings.trainer_mlflow_url),
        *("--artifacts-destination", settings.trainer_mlflow_artifacts),
    )
    return ("-m", "mlflow", "server", *stores, "--host", "0.0.0.0", "--port", str(PORT), "--workers", "1")


def variables(settings: TrainerSettings) -> Mapping[str, str]:
    """Return what MLflow is told by variables; pages are all that is wanted, no processes for jobs of its own."""
    return {**artifact_environment(settings), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def main() -> None:
    """Make the tables where there are none, as the trainer may be doing too; then become MLflow's server."""
    settings = TrainerSettings()
    open_mlflow(settings.trainer_mlflow_url)
    os.environ.update(variables(settings))
    os.execv(sys.executable, [sys.executable, *command(settings)])


if __name__ == "__main__":
    main()
