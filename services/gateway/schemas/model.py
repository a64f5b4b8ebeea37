"""Registered models and their versions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Page, Request, Response
from .common import ColumnKind, Target, TaskType
from .dataset import VERSION
from .run import METRICS

MODEL_VERSION = "projects/default/models/adult/versions/1"


class Model(Response):
    """A registered model."""

    name: str = Field(description="projects/{project}/models/{model}", examples=["projects/default/models/adult"])
    latest_version: int = Field(description="The newest version's number.", examples=[3])
    aliases: dict[str, int] = Field(description="Alias to version number.", examples=[{"champion": 3}])
    create_time: str | None = Field(description="When it was made.", examples=["2026-01-31T17:01:03.000Z"])
    update_time: str | None = Field(description="When it was changed.", examples=["2026-01-31T17:01:03.000Z"])
    etag: str = Field(description="Send it as If-Match to set an alias only on what you saw.", examples=["9f86d081"])


class ModelPage(Page[Model]):
    """One page of models."""


class ModelInput(Response):
    """One column a model reads."""

    name: str = Field(description="The column.", examples=["age"])
    kind: ColumnKind = Field(description="How the model reads it.", examples=["number"])
    tensor: str = Field(description="The input's name in the ONNX graph.", examples=["age"])


class ParityReport(Response):
    """How far ONNX and native predictions are apart."""

    row_count: int = Field(description="Rows compared.", examples=[9769])
    max_difference: float | None = Field(description="The largest difference.", examples=[2e-7])
    tolerance: float | None = Field(description="The largest difference allowed.", examples=[1e-5])
    passed: bool = Field(description="Whether ONNX may serve.", examples=[True])
    reason: str = Field(description="Why the native runtime serves, when it does.", examples=[""])


class ModelManifest(Response):
    """How a model version is called, and how good it is."""

    task_type: TaskType = Field(description="The kind of prediction problem.", examples=["binary"])
    target: Target | None = Field(description="What is predicted.")
    classes: list[str] = Field(description="Class labels in the order of probabilities.", examples=[["<=50K", ">50K"]])
    inputs: list[ModelInput] = Field(description="The columns it reads.")
    runtime: Literal["unspecified", "onnx", "native"] = Field(description="What computes.", examples=["onnx"])
    parity: ParityReport | None = Field(description="ONNX compared with native on held-out rows.")
    metrics: dict[str, float | None] = Field(description="On held-out rows.", examples=[METRICS])
    candidate: str = Field(description="The winner's name in its run.", examples=["ensemble"])
    library_versions: dict[str, str] = Field(description="What trained it.", examples=[{"scikit-learn": "1.8.0"}])
    dataset_version: str = Field(description="What it was trained on.", examples=[VERSION])
    explanation_scale: str = Field(
        description="What contributions sum to: probability, log_odds or value; empty where it has none.",
        examples=["log_odds"],
    )
    explanation_reason: str = Field(description="Why it has no contributions, when it has none.", examples=[""])
    calibration_row_count: int = Field(
        description="Held-out rows that intervals are calibrated on; 0 where it has none.", examples=[9769]
    )


class ModelVersion(Response):
    """One immutable version of a model."""

    name: str = Field(description="projects/{project}/models/{model}/versions/{version}", examples=[MODEL_VERSION])
    run: str = Field(description="The run it came from.", examples=["projects/default/runs/5f2c"])
    package_blob: str = Field(description="Blob folder of the package.", examples=["models/default/5f2c"])
    manifest: ModelManifest | None = Field(description="How to call it.")
    aliases: list[str] = Field(description="Aliases that point here.", examples=[["champion"]])
    create_time: str | None = Field(description="When it was made.", examples=["2026-01-31T17:01:03.000Z"])


class ModelVersionPage(Page[ModelVersion]):
    """One page of model versions, newest first."""


class AliasChoice(Request):
    """Where an alias points."""

    version: int = Field(ge=1, description="The version's number.", examples=[3])
