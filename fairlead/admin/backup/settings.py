"""Where everything is that a backup holds, from the environment variables that the services read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from fairlead.kit.database import is_postgresql, schema_url
from fairlead.kit.settings import KitSettings

MLFLOW_SCHEMA = "mlflow"
STEPS_SCHEMA = "conductor_steps"
SERVICES_IN_ORDER = ("serving", "conductor", "drift", "gateway", "trainer", "profiler")

Maker = Literal["service", "mlflow", "dbos"]


@dataclass(frozen=True)
class Database:
    """A database and who makes its tables; `schema` is "" where the URL says it itself."""

    name: str
    url: str
    schema: str
    maker: Maker


class BackupSettings(KitSettings):
    """The settings of the services that name a place; they mean here what they mean there."""

    service: ClassVar[str] = "backup"

    trainer_mlflow_url: str = Field("", description="As the trainer's.")
    trainer_mlflow_artifacts: str = Field("", description="As the trainer's.")
    conductor_workflow_url: str = Field("", description="As the conductor's.")

    @model_validator(mode="after")
    def _fill_in_places(self) -> Self:
        self.trainer_mlflow_artifacts = self.trainer_mlflow_artifacts or self._artifacts_beside_blobs()
        return self

    @property
    def shared_database(self) -> str:
        """Return the URL of the PostgreSQL that all services share, "" where each has a SQLite file."""
        return self.database_url if is_postgresql(self.database_url) else ""

    @property
    def databases(self) -> tuple[Database, ...]:
        """Return all databases, each before those that its rows refer to."""
        services = {name: self._of_service(name) for name in SERVICES_IN_ORDER}
        before = [services[name] for name in SERVICES_IN_ORDER if name not in ("trainer", "profiler")]
        return (*before, self._steps(), services["trainer"], self._mlflow(), services["profiler"])

    @property
    def journal(self) -> Path:
        """Return the folder of the predictions that serving has not published yet."""
        return self.home / "serving" / "prediction-log"

    @property
    def spools(self) -> Path:
        """Return the folder of the events that wait for Kafka."""
        return self.home / "spool"

    def _artifacts_beside_blobs(self) -> str:
        if self.blobs_url.startswith("s3://"):
            return f"{self.blobs_url.rstrip('/')}/mlflow"
        return (self.home / "mlflow-artifacts").as_uri()

    def _of_service(self, name: str) -> Database:
        if self.shared_database:
            return Database(name, self.shared_database, name, "service")
        return Database(name, f"sqlite:///{self.home}/{name}.db", "", "service")

    def _mlflow(self) -> Database:
        if self.trainer_mlflow_url:
            return Database("mlflow", self.trainer_mlflow_url, "", "mlflow")
        if self.shared_database:
            return Database("mlflow", schema_url(self.shared_database, MLFLOW_SCHEMA), MLFLOW_SCHEMA, "mlflow")
        return Database("mlflow", f"sqlite:///{self.home}/mlflow.db", "", "mlflow")

    def _steps(self) -> Database:
        url = self.conductor_workflow_url or self.shared_database or f"sqlite:///{self.home}/conductor-steps.db"
        return Database("conductor-steps", url, STEPS_SCHEMA if is_postgresql(url) else "", "dbos")
