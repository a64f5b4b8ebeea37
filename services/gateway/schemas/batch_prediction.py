"""Predictions in batch, of dataset versions and of files as they are."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Request, Schema
from .link import SHA256
from .model import MODEL_VERSION


class StoredFile(Schema):
    """A file that was uploaded to be predicted."""

    sha256: str = Field(description="The SHA-256 of its content, in hexadecimal.", examples=[SHA256])
    size: int = Field(description="Its bytes.", examples=[5326368])


class FileToPredict(Request):
    """A file that was uploaded to `files`, or by a link of `datasets:uploadLink`."""

    sha256: str = Field(
        pattern="^[0-9a-f]{64}$", description="The SHA-256 of its content, in hexadecimal.", examples=[SHA256]
    )
    file_name: str = Field(
        "",
        description="The file's name; its ending tells how it is read: csv, tsv, tab or txt (with a header), jsonl or "
        "ndjson, parquet or pq; without one it is CSV.",
        examples=["new.csv"],
    )


class NewBatchPrediction(Request):
    """A dataset version or a file to predict."""

    dataset_version: str = Field(
        "", description="The dataset version; empty where a file is given.", examples=["datasets/adult/versions/1"]
    )
    file: FileToPredict | None = Field(
        None, description="A file to predict as it is, without importing it.", examples=[None]
    )
    format: Literal["", "csv", "jsonl", "parquet"] = Field(
        "", description="Of the result; empty means csv.", examples=["csv"]
    )
    model_version: str = Field(
        "",
        description="A version or an alias that predicts; empty means the deployment's champion.",
        examples=[MODEL_VERSION],
    )
    max_rejected_rows: int | None = Field(
        None,
        ge=0,
        description="Rows that may be left out since they can't be read, before the task fails; the service's setting "
        "when left out.",
        examples=[100],
    )
