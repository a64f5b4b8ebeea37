"""Datasets, their versions and rows."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .base import Page, Response

VERSION = "projects/default/datasets/adult/versions/1"


class Dataset(Response):
    """A named table that gains versions."""

    name: str = Field(description="projects/{project}/datasets/{dataset}", examples=["projects/default/datasets/adult"])
    latest_version: int = Field(description="The newest version's number; 0 while the first is imported.", examples=[1])
    create_time: str | None = Field(description="When it was made.", examples=["2026-01-31T17:01:03.000Z"])
    etag: str = Field(description="Changes with every change.", examples=["1"])


class DatasetPage(Page[Dataset]):
    """One page of datasets."""


class DatasetField(Response):
    """One column as stored."""

    name: str = Field(description="The column's name.", examples=["age"])
    type: str = Field(description="The DuckDB type.", examples=["BIGINT"])


class DatasetVersion(Response):
    """One immutable state of a dataset."""

    name: str = Field(description="projects/{project}/datasets/{dataset}/versions/{version}", examples=[VERSION])
    file_name: str = Field(description="What it was uploaded as.", examples=["adult.csv"])
    format: str = Field(description="csv, tsv, json, jsonl, excel or parquet.", examples=["csv"])
    row_count: int = Field(description="Rows.", examples=[48842])
    fields: list[DatasetField] = Field(description="The columns in order.")
    original_blob: str = Field(description="Blob key of the untouched upload.", examples=["sha256/ab/abcd"])
    parquet_blob: str = Field(description="Blob key of the Parquet copy.", examples=["sha256/cd/cdef"])
    content_sha256: str = Field(description="SHA-256 of the untouched upload.", examples=["abcd"])
    original_bytes: int = Field(description="Size of the untouched upload.", examples=[5326368])
    parquet_bytes: int = Field(description="Size of the Parquet copy.", examples=[602113])
    create_time: str | None = Field(description="When it was made.", examples=["2026-01-31T17:01:03.000Z"])
    dialect: dict[str, str] = Field(description="How the file was read.", examples=[{"delimiter": ","}])
    notes: list[str] = Field(
        description="What was changed or noticed on the way in.", examples=[["Read '?' as missing in 3 columns."]]
    )


class DatasetVersionPage(Page[DatasetVersion]):
    """One page of dataset versions, newest first."""


class RowPage(Page[dict[str, Any]]):
    """Rows in stored order; a missing value is null."""

    items: list[dict[str, Any]] = Field(
        description="One object a row.", examples=[[{"age": 39, "workclass": "State-gov", "income": "<=50K"}]]
    )
