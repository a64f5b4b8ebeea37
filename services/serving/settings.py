"""Settings of the serving service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from fairlead.kit.settings import KitSettings

from .domain.admission import AdmissionLimits
from .domain.requests.limits import RequestLimits

BENTO_PORT_OFFSET = 80
REST_PORT_OFFSET = 81
GRPC_PORT_OFFSET = 82


class ServingSettings(KitSettings):
    """The kit's settings, and those of serving."""

    service: ClassVar[str] = "serving"

    serving_onnx_threads: int = Field(1, ge=1, le=64, description="Threads that compute one ONNX prediction call.")
    serving_rpc_workers: int = Field(16, ge=1, le=256, description="gRPC calls answered at a time, for each server.")
    serving_log_spool_mb: int = Field(
        512, ge=1, description="Megabytes of predictions kept on local disk while the event log is away."
    )
    serving_log_full: Literal["drop_oldest", "drop_newest", "refuse"] = Field(
        "drop_oldest",
        description="What happens once they are used up: drop the oldest predictions of the log, or the newest, or "
        "refuse requests. Drops are counted and alerted.",
    )
    serving_request_mb: int = Field(64, ge=1, le=1024, description="Largest request body, in megabytes.")
    serving_request_rows: int = Field(100_000, ge=1, description="Most rows that one request may have.")
    serving_request_elements: int = Field(
        16_000_000, ge=1, description="Most elements that the tensors of one request may have together."
    )
    serving_load_seconds: float = Field(60.0, gt=0, description="How long a request waits for a model that is loading.")
    serving_turns: int = Field(
        0,
        ge=0,
        le=256,
        description="Requests computed at a time of those that take long (a slow model, many rows, an explanation); 0 "
        "for twice as many as the machine has cores, at least 4.",
    )
    serving_waiting_requests: int = Field(
        512,
        ge=2,
        le=1000,
        description="Requests that may wait for their turn, or for a model to load. One deployment may take two thirds "
        "of what others leave.",
    )
    serving_queue_seconds: float = Field(
        5.0,
        gt=0,
        description="How long a request may wait for its turn. What would wait longer is refused at once, with 429 or "
        "RESOURCE_EXHAUSTED and when to try again.",
    )
    serving_connections: int = Field(
        4096,
        ge=1,
        description="Connections of each port of the Open Inference Protocol, REST and gRPC; further ones are refused.",
    )
    serving_models_mb: int = Field(
        1024,
        ge=64,
        description="Megabytes of memory that loaded models may take together, beside what a serving process needs "
        "itself (some 300). Beyond that the least recently used are unloaded; their next request loads them again.",
    )
    serving_loaders: int = Field(4, ge=1, le=64, description="Models fetched from the blob store at a time.")
    serving_batch_rows: int = Field(
        8192, ge=1, description="Rows of a batch prediction that one call of the model takes."
    )
    serving_batch_part_mb: int = Field(
        8,
        ge=1,
        le=1024,
        description="Megabytes of the file that a batch prediction reads, predicts and keeps at a time, a thread.",
    )
    serving_batch_threads: int = Field(
        0, ge=0, le=64, description="Threads of a batch prediction; 0 for as many as the machine has cores, at most 4."
    )
    serving_batch_rejected_rows: int = Field(
        10_000,
        ge=0,
        description="Rows that can't be read before a batch prediction fails, where its request does not say.",
    )

    @property
    def request_limits(self) -> RequestLimits:
        """Return how large one request may be, apart from its bytes."""
        return RequestLimits(self.serving_request_rows, self.serving_request_elements)

    @property
    def admission_limits(self) -> AdmissionLimits:
        """Return how many requests compute and wait."""
        turns = self.serving_turns or max(4, 2 * (os.cpu_count() or 1))
        return AdmissionLimits(turns, self.serving_waiting_requests, self.serving_queue_seconds)

    @property
    def bento_address(self) -> str:
        """Return host:port of BentoML's own API."""
        return f"{self.host}:{self.base_port + BENTO_PORT_OFFSET}"

    @property
    def rest_address(self) -> str:
        """Return host:port of the Open Inference Protocol over REST."""
        return f"{self.host}:{self.base_port + REST_PORT_OFFSET}"

    @property
    def grpc_address(self) -> str:
        """Return host:port of the Open Inference Protocol over gRPC."""
        return f"{self.host}:{self.base_port + GRPC_PORT_OFFSET}"

    @property
    def spool(self) -> Path:
        """Return the folder of predictions that are not published yet."""
        return self.home / "serving" / "prediction-log"

    @property
    def drafts(self) -> Path:
        """Return the folder of batch results that are being written."""
        return self.home / "serving" / "drafts"

    @property
    def bento_home(self) -> Path:
        """Return BentoML's own folder."""
        return self.home / "serving" / "bentoml"
