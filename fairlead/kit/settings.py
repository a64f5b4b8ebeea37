"""Settings that every service has, read from environment variables with the prefix FAIRLEAD_."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICES = ("gateway", "profiler", "trainer", "serving", "drift", "conductor")
METRICS_PORT_OFFSET = 100


class KitSettings(BaseSettings):
    """What every service has; each service adds its own fields in a subclass."""

    model_config = SettingsConfigDict(env_prefix="FAIRLEAD_", extra="ignore")
    service: ClassVar[str] = "kit"

    home: Path = Field(Path.home() / ".fairlead", description="Folder of everything that is kept on one machine.")
    host: str = Field("127.0.0.1", description="Address that listening sockets bind to.")
    base_port: int = Field(7400, ge=1, le=65000, description="The gateway's HTTP port; the others follow from it.")
    database_url: str = Field("", description="SQLAlchemy URL; empty means SQLite below home, a file a service.")
    events_url: str = Field("", description="URL of the event log; empty means SQLite below home.")
    blobs_url: str = Field("", description="URL of the blob store; empty means a folder below home.")
    service_token: SecretStr = Field(SecretStr(""), description="Secret that services show each other.")
    admin_token_sha256: str = Field("", description="SHA-256 of the admin's token, hexadecimal.")
    exit_with_parent: bool = Field(False, description="Drain and stop once the process that started this one is gone.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_format: Literal["json", "text"] = Field("json", description="One JSON object a line, or text for people.")
    gateway_address: str = Field("", description="host:port of the gateway's gRPC server.")
    profiler_address: str = Field("", description="host:port of the profiler's gRPC server.")
    trainer_address: str = Field("", description="host:port of the trainer's gRPC server.")
    serving_address: str = Field("", description="host:port of the serving's gRPC server.")
    drift_address: str = Field("", description="host:port of the drift's gRPC server.")
    conductor_address: str = Field("", description="host:port of the conductor's gRPC server.")

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        self.home = self.home.expanduser().absolute()
        self.database_url = self.database_url or f"sqlite:///{self.home}/{self.service}.db"
        self.events_url = self.events_url or f"sqlite:///{self.home}/events.db"
        self.blobs_url = self.blobs_url or f"file://{self.home}/blobs"
        for offset, service in enumerate(SERVICES, start=1):
            if not getattr(self, f"{service}_address"):
                setattr(self, f"{service}_address", f"{self.host}:{self.base_port + offset}")
        return self

    @property
    def address(self) -> str:
        """Return host:port of this service's own gRPC server."""
        return str(getattr(self, f"{self.service}_address"))

    @property
    def metrics_address(self) -> str:
        """Return host:port where this service shows its Prometheus metrics."""
        host, _, port = self.address.rpartition(":")
        return f"{host}:{int(port) + METRICS_PORT_OFFSET}"
