"""The Open Inference Protocol, version 2, in JSON."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from .base import Schema


class ServerMetadata(Schema):
    """Who serves."""

    name: str = Field(description="The server.", examples=["fairlead"])
    version: str = Field(description="Its version.", examples=["0.1.0"])
    extensions: list[str] = Field(description="Protocol extensions it has.", examples=[["model_repository"]])


class TensorMetadata(Schema):
    """One input or output."""

    name: str = Field(description="The tensor.", examples=["age"])
    datatype: str = Field(description="Such as FP64 or BYTES.", examples=["FP64"])
    shape: list[int] = Field(description="-1 stands for any length.", examples=[[-1, 1]])


class ModelMetadata(Schema):
    """What a model takes and gives."""

    name: str = Field(description="{project}.{deployment}", examples=["default.income"])
    versions: list[str] = Field(description="Versions that answer.", examples=[["1"]])
    platform: str = Field(description="What computes.", examples=["onnxruntime_onnx"])
    inputs: list[TensorMetadata] = Field(description="One entry an input.")
    outputs: list[TensorMetadata] = Field(description="One entry an output.")


class Tensor(Schema):
    """A tensor with its values."""

    model_config = ConfigDict(extra="ignore")
    name: str = Field(description="The tensor.", examples=["age"])
    shape: list[int] = Field(description="Lengths of its dimensions.", examples=[[1, 1]])
    datatype: str = Field(description="Such as FP64 or BYTES.", examples=["FP64"])
    parameters: dict[str, Any] | None = Field(None, description="Parameters of the tensor.", examples=[None])
    data: list[Any] = Field(description="Values, row-major, nested or flat.", examples=[[39.0]])


class RequestedOutput(Schema):
    """An output to return."""

    model_config = ConfigDict(extra="ignore")
    name: str = Field(description="The output.", examples=["probabilities"])
    parameters: dict[str, Any] | None = Field(None, description="Parameters of the output.", examples=[None])


class InferenceRequest(Schema):
    """Tensors to infer from."""

    model_config = ConfigDict(extra="ignore")
    id: str = Field("", description="Comes back in the answer.", examples=["42"])
    parameters: dict[str, Any] | None = Field(None, description="Parameters of the request.", examples=[None])
    inputs: list[Tensor] = Field(description="One entry an input.")
    outputs: list[RequestedOutput] = Field(
        default_factory=list, description="Outputs to return; empty means all.", examples=[[]]
    )


class InferenceResponse(Schema):
    """Tensors that were inferred."""

    model_name: str = Field(description="What answered.", examples=["default.income"])
    model_version: str = Field(description="Its version.", examples=["1"])
    id: str = Field(description="The request's.", examples=["42"])
    parameters: dict[str, Any] | None = Field(None, description="Parameters of the answer.", examples=[None])
    outputs: list[Tensor] = Field(description="One entry an output.")


class ModelReadiness(Schema):
    """Whether a model answers."""

    name: str = Field(description="The model.", examples=["default.income"])
    ready: bool = Field(description="Whether it answers.", examples=[True])


class Liveness(Schema):
    """Whether the server lives."""

    live: bool = Field(description="Whether it lives.", examples=[True])


class ServerReadiness(Schema):
    """Whether the server answers."""

    ready: bool = Field(description="Whether it answers.", examples=[True])


class RepositoryEntry(Schema):
    """One model of the repository."""

    name: str = Field(description="The model.", examples=["default.income"])
    version: str = Field(description="Its version.", examples=["1"])
    state: str = Field(description="READY, LOADING or UNAVAILABLE.", examples=["READY"])
    reason: str = Field(description="Why it is not ready.", examples=[""])
