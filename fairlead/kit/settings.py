"""Settings that every service has, read from environment variables with the prefix FAIRLEAD_."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICES = ("gateway", "profiler", "trainer", "serving", "drift", "conductor")
METRICS_PORT_OFFSET = 100
PROBES_PORT_OFFSET = 200


class KitSettings(BaseSettings):
    """What every service has; each service adds its own fields in a subclass."""

    model_config = SettingsConfigDict(env_prefix="FAIRLEAD_", extra="ignore")
    service: ClassVar[str] = "kit"

    home: Path = Field(Path.home() / ".fairlead", description="Folder of everything that is kept on one machine.")
    host: str = Field("127.0.0.1", description="Address that listening sockets bind to.")
    base_port: int = Field(7400, ge=1, le=65000, description="The gateway's HTTP port; the others follow from it.")
    database_url: str = Field(
        "", description="postgresql://user:password@host/database; empty means SQLite below home, a file a service."
    )
    database_connections: int = Field(
        10, ge=1, description="Most connections to PostgreSQL that one process of a service has open."
    )
    events_url: str = Field(
        "",
        description="URL of the event log: kafka://host:9092[,host:9092], of this installation alone; empty means "
        "SQLite below home.",
    )
    events_spool_mb: int = Field(
        256, ge=1, description="Megabytes of events that a service keeps on local disk while Kafka is away."
    )
    events_spool_full: Literal["refuse", "drop_oldest"] = Field(
        "refuse", description="What happens once they are used up: refuse new events, or drop the oldest."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How brokers are spoken to."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How brokers are told who calls, where the protocol begins with SASL."
    )
    kafka_username: str = Field("", description="User name for SASL.")
    kafka_password: SecretStr = Field(SecretStr(""), description="Password for SASL.")
    kafka_ca_file: str = Field("", description="Certificates to check brokers against; empty means the system's.")
    kafka_replication_factor: int = Field(
        0, ge=0, description="Replicas of a topic that is made; 0 means the brokers' own default."
    )
    blobs_url: str = Field(
        "", description="URL of the blob store: s3://bucket[/prefix]; empty means a folder below home."
    )
    s3_endpoint_url: str = Field("", description="URL of an S3 server other than AWS; keys come from AWS_* variables.")
    s3_public_endpoint_url: str = Field(
        "", description="URL of that server as people reach it, for links; empty means the same."
    )
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_server_side_encryption: Literal["", "AES256", "aws:kms"] = Field(
        "", description="Encryption that is asked for with each object; empty leaves it to the bucket."
    )
    s3_kms_key_id: str = Field("", description="Key for aws:kms; empty means the account's own.")
    blob_cache_mb: int = Field(10_240, ge=1, description="Megabytes of local copies of remote blobs, below home.")
    service_token: SecretStr = Field(
        SecretStr(""), description="Secret that all services share, which signs what they show each other."
    )
    service_token_other: SecretStr = Field(
        SecretStr(""), description="Another such secret that is accepted, while services change from one to the other."
    )
    admin_token_sha256: str = Field("", description="SHA-256 of the admin's token, hexadecimal.")
    tls_certificate_file: str = Field(
        "",
        description="PEM file of the certificate that this service shows others by gRPC, who show theirs; empty means "
        "plaintext. A file that changes is read anew.",
    )
    tls_key_file: str = Field("", description="PEM file of that certificate's key.")
    tls_ca_file: str = Field("", description="PEM file of the CA that others' certificates must be of.")
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Token that reads metrics, and nothing else; for what scrapes them."
    )
    probes: bool = Field(
        False, description="Answer gRPC health checks, and nothing else, without a token at the gRPC port + 200."
    )
    drain_seconds: float = Field(
        10.0, gt=0, description="How long calls under way have once a service is told to stop."
    )
    connection_age_seconds: float = Field(
        0.0,
        ge=0,
        description="gRPC connections take no new calls after about so long, so that callers find processes that came "
        "meanwhile; 0 for never.",
    )
    runner: Literal["local", "kubernetes"] = Field(
        "local", description="Where the work of tasks runs: child processes of the service, or Jobs of the cluster."
    )
    job_template_file: str = Field("", description="YAML file of the pod template that Jobs are made from.")
    job_namespace: str = Field("", description="Namespace that Jobs are made in; empty means the service's own.")
    job_deadline_seconds: int = Field(86_400, ge=1, description="A Job that takes longer fails its task.")
    job_start_seconds: int = Field(
        600, ge=1, description="How long a Job may wait for a node or its image before its task fails."
    )
    job_ttl_seconds: int = Field(3_600, ge=60, description="How long a Job stays to be looked at once it has ended.")
    job_owner: str = Field(
        "", description="A ConfigMap that Jobs are deleted with, as when Fairlead is uninstalled; empty for none."
    )
    exit_with_parent: bool = Field(False, description="Drain and stop once the process that started this one is gone.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_format: Literal["json", "text"] = Field("json", description="One JSON object a line, or text for people.")
    otlp_endpoint: str = Field(
        "", description="http(s)://host:port that traces are sent to by OTLP over gRPC; empty means nowhere."
    )
    trace_ratio: float = Field(
        0.01, ge=0.0, le=1.0, description="Share of the calls that come without a trace and get one that is sent."
    )
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
        return self._beside(METRICS_PORT_OFFSET)

    @property
    def probe_address(self) -> str:
        """Return host:port where this service answers probes, if it is to."""
        return self._beside(PROBES_PORT_OFFSET)

    def _beside(self, offset: int) -> str:
        host, _, port = self.address.rpartition(":")
        return f"{host}:{int(port) + offset}"
