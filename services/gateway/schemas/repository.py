"""Models as the Open Inference Protocol's extensions tell of them: configuration, statistics, the repository."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from .base import Schema


class RepositoryQuery(Schema):
    """Which models to list."""

    model_config = ConfigDict(extra="ignore")
    ready: bool = Field(False, description="Whether to list only those that answer.", examples=[True])


class RepositoryRequest(Schema):
    """How to load or unload a model."""

    model_config = ConfigDict(extra="ignore")
    parameters: dict[str, Any] | None = Field(
        None,
        description="Its files and configuration are those of its version: loading takes none.",
        examples=[{}],
    )


class RepositoryReceipt(Schema):
    """It is done."""


class ModelList(Schema):
    """The names of all models."""

    models: list[str] = Field(description="The models, sorted.", examples=[["default.income"]])


class ConfiguredTensor(Schema):
    """One input or output of a configuration."""

    name: str = Field(description="The tensor.", examples=["age"])
    data_type: str = Field(description="Such as TYPE_FP64 or TYPE_STRING.", examples=["TYPE_FP64"])
    dims: list[int] = Field(description="-1 stands for any length.", examples=[[-1, 1]])


class SpecificVersions(Schema):
    """The versions that are served."""

    versions: list[int] = Field(description="Their numbers.", examples=[[1]])


class VersionPolicy(Schema):
    """Which versions are served."""

    specific: SpecificVersions = Field(SpecificVersions(versions=[]), description="Those of the deployment's split.")


class ConfiguredText(Schema):
    """A parameter of a configuration."""

    string_value: str = Field(description="Its value.", examples=["binary"])


class ModelConfiguration(Schema):
    """A model's configuration, shaped as Triton's."""

    name: str = Field(description="{project}.{deployment}", examples=["default.income"])
    platform: str = Field(description="What computes.", examples=["fairlead_tabular"])
    backend: str = Field(description="The server's part that does.", examples=["fairlead"])
    version_policy: VersionPolicy = Field(description="Which versions are served.")
    max_batch_size: int = Field(description="0: the first dimension is the rows'.", examples=[0])
    input: list[ConfiguredTensor] = Field(description="One entry an input.")
    output: list[ConfiguredTensor] = Field(description="One entry an output.")
    parameters: dict[str, ConfiguredText] = Field(
        description="What there is no field for.", examples=[{"fairlead_task_type": {"string_value": "binary"}}]
    )


class StatisticDuration(Schema):
    """How often something happened, and how long it took in all."""

    count: int = Field(description="How often.", examples=[42])
    ns: int = Field(description="Nanoseconds in all.", examples=[8_400_000])


class InferenceStatistics(Schema):
    """A version's requests, and the parts of their time."""

    success: StatisticDuration = Field(description="Requests that were answered.")
    fail: StatisticDuration = Field(description="Requests that were refused or failed.")
    queue: StatisticDuration = Field(description="Waiting.")
    compute_input: StatisticDuration = Field(description="Reading.")
    compute_infer: StatisticDuration = Field(description="Predicting.")
    compute_output: StatisticDuration = Field(description="Writing.")


class VersionStatistics(Schema):
    """What one version of a model has done."""

    name: str = Field(description="The model.", examples=["default.income"])
    version: str = Field(description="Its version.", examples=["1"])
    last_inference: int = Field(description="Milliseconds since 1970.", examples=[1_700_000_000_000])
    inference_count: int = Field(description="Rows.", examples=[84])
    execution_count: int = Field(
        description="Runs of the model; requests that are answered together are one.", examples=[42]
    )
    inference_stats: InferenceStatistics = Field(description="The requests and their time.")
    batch_stats: list[Any] = Field(description="None are kept.", examples=[[]])


class ModelStatistics(Schema):
    """What models have done since the serving process that is asked started."""

    model_stats: list[VersionStatistics] = Field(description="One entry a version.")
