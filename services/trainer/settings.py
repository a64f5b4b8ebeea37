"""Settings of the trainer, read from environment variables."""

from __future__ import annotations

import os
from typing import ClassVar, Self

from pydantic import Field, model_validator

from fairlead.kit.database import is_postgresql, schema_url
from fairlead.kit.settings import KitSettings

MLFLOW_SCHEMA = "mlflow"


class TrainerSettings(KitSettings):
    """What the trainer adds to every service's settings."""

    service: ClassVar[str] = "trainer"

    trainer_threads: int = Field(0, ge=0, description="Threads a fit may use; 0 means the machine's processors.")
    trainer_concurrency: int = Field(2, ge=1, description="Tasks that run at the same time; the others wait.")
    trainer_max_rows: int = Field(
        1_000_000, ge=1000, description="Rows that are trained on; of a larger table a random sample is taken."
    )
    trainer_mlflow_url: str = Field(
        "",
        description="MLflow's tracking and registry database; empty: the schema `mlflow` where FAIRLEAD_DATABASE_URL "
        "is PostgreSQL, else below home.",
    )
    trainer_mlflow_artifacts: str = Field(
        "",
        description="Where MLflow keeps artifacts; empty: below FAIRLEAD_BLOBS_URL where that is S3, else below home.",
    )

    @model_validator(mode="after")
    def _fill_in_trainer(self) -> Self:
        self.trainer_mlflow_url = self.trainer_mlflow_url or self._mlflow_beside_us()
        self.trainer_mlflow_artifacts = self.trainer_mlflow_artifacts or self._artifacts_beside_blobs()
        return self

    def _mlflow_beside_us(self) -> str:
        if is_postgresql(self.database_url):
            return schema_url(self.database_url, MLFLOW_SCHEMA)
        return f"sqlite:///{self.home}/mlflow.db"

    def _artifacts_beside_blobs(self) -> str:
        if self.blobs_url.startswith("s3://"):
            return f"{self.blobs_url.rstrip('/')}/mlflow"
        return (self.home / "mlflow-artifacts").as_uri()

    @property
    def threads(self) -> int:
        """Threads a fit may use."""
        return self.trainer_threads or os.cpu_count() or 1
