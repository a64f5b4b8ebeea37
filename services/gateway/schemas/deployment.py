"""Deployments: model versions that answer, and how they share a deployment's requests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from .base import Page, Request, Response
from .model import MODEL_VERSION

CHALLENGER = "projects/default/models/adult/versions/2"
SAMPLING_RATE = "The share of requests kept in the prediction log, above 0 and up to 1, which keeps every one."


def _share(rate: float) -> float:
    # A comparison that is false for NaN too.
    if not 0.0 < rate <= 1.0:
        raise PydanticCustomError(
            "sampling_rate",
            "{rate} is no share of the requests to log: give one above 0, such as 0.01, or 1 for every request; drift,"
            " feedback and experiments live on the log, so it can't be switched off",
            {"rate": f"{rate:g}"},
        )
    return rate


SamplingRate = Annotated[
    float, AfterValidator(_share), WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1})
]


class TrafficTarget(Response):
    """A model version's part in a traffic split."""

    model_version: str = Field(description="What answers.", examples=[MODEL_VERSION])
    percent: float | None = Field(
        description="Its share of the requests, of 100; those of a split sum to 100. A shadow has none.",
        examples=[90.0],
    )
    shadow: bool = Field(
        description="It predicts what others answer; that is logged and never sent to a caller.", examples=[False]
    )
    reference_blob: str = Field(description="Blob key of its drift reference.", examples=["models/default/5f2c"])


SPLIT = [
    TrafficTarget.example(),
    {**TrafficTarget.example(), "model_version": CHALLENGER, "percent": 10.0},
]
SOLE = [{**TrafficTarget.example(), "percent": 100.0}]


class TrafficStep(Response):
    """A split that is to come."""

    time: str | None = Field(description="When it does.", examples=["2026-01-31T17:31:03.000Z"])
    traffic: list[TrafficTarget] = Field(description="The split, the champion first.", examples=[SPLIT])


class Deployment(Response):
    """One model version, or a split among several, served under a stable name."""

    name: str = Field(
        description="projects/{project}/deployments/{deployment}", examples=["projects/default/deployments/income"]
    )
    model_version: str = Field(description="The champion; the others challenge it.", examples=[MODEL_VERSION])
    state: Literal["unspecified", "loading", "ready", "failed"] = Field(
        description="Whether it answers.", examples=["ready"]
    )
    error: str = Field(description="Why it failed, when it did.", examples=[""])
    inference_name: str = Field(
        description="The model's name in the Open Inference Protocol.", examples=["default.income"]
    )
    create_time: str | None = Field(description="When it was made.", examples=["2026-01-31T17:01:03.000Z"])
    update_time: str | None = Field(description="When it was changed.", examples=["2026-01-31T17:01:03.000Z"])
    etag: str = Field(description="Send it as If-Match to change only what you saw.", examples=["1"])
    reference_blob: str = Field(description="Blob key of the drift reference.", examples=["models/default/5f2c"])
    traffic: list[TrafficTarget] = Field(description="The traffic split, the champion first.", examples=[SPLIT])
    previous_traffic: list[TrafficTarget] = Field(
        description="What `:rollBack` returns to; empty where nothing was served before.", examples=[SOLE]
    )
    steps: list[TrafficStep] = Field(description="Splits to come, soonest first.", examples=[[]])
    pinned: bool = Field(description="Whether its models stay in memory, however long nobody asks.", examples=[False])
    log_sampling_rate: float | None = Field(description=SAMPLING_RATE, examples=[1.0])

    @field_validator("log_sampling_rate")
    @classmethod
    def _of_all(cls, rate: float | None) -> float | None:
        # Serving's 0 is what was never set: every request. Here it would read as none of them.
        return 1.0 if rate == 0 else rate


class DeploymentPage(Page[Deployment]):
    """One page of deployments."""


class NewDeployment(Request):
    """A deployment to make."""

    deployment_id: str = Field(description="Lowercase letters, digits and hyphens, at most 63.", examples=["income"])
    model_version: str = Field(
        description="A version, or an alias that is resolved once.", examples=["models/adult/aliases/champion"]
    )
    pinned: bool = Field(False, description="Keep its models in memory, however long nobody asks.", examples=[False])
    log_sampling_rate: SamplingRate = Field(1.0, description=SAMPLING_RATE, examples=[1.0])


class DeploymentChange(Request):
    """What to change; a member left out stays as it is. Without a model_version the traffic split does too."""

    model_version: str = Field(
        "", description="A version, or an alias, to serve alone.", examples=["models/adult/versions/2"]
    )
    pinned: bool | None = Field(None, description="Whether its models stay in memory.", examples=[True])
    log_sampling_rate: SamplingRate | None = Field(None, description=SAMPLING_RATE, examples=[1.0])


class TargetShare(Request):
    """A model version's part in a split."""

    model_version: str = Field(
        description="A version, or an alias that is resolved once.", examples=["models/adult/versions/2"]
    )
    percent: float = Field(0.0, ge=0, le=100, description="Its share, of 100; a shadow has none.", examples=[10.0])
    shadow: bool = Field(False, description="Let it predict what others answer, for the log alone.", examples=[False])


SHARES = [
    {"model_version": "models/adult/versions/1", "percent": 90.0, "shadow": False},
    {"model_version": "models/adult/versions/2", "percent": 10.0, "shadow": False},
]
LATER = [{**SHARES[0], "percent": 50.0}, {**SHARES[1], "percent": 50.0}]


class PlannedStep(Request):
    """A split to come."""

    time: AwareDatetime = Field(description="When, with its offset from UTC.", examples=["2026-01-31T17:31:03Z"])
    traffic: list[TargetShare] = Field(min_length=1, description="The shares sum to 100.", examples=[LATER])


class TrafficSplit(Request):
    """How a deployment's requests are divided among model versions."""

    traffic: list[TargetShare] = Field(
        default_factory=list,
        description="From now on; the shares sum to 100. Empty means: as it is, only the steps are new.",
        examples=[SHARES],
    )
    steps: list[PlannedStep] = Field(
        default_factory=list, description="Splits to come; they replace those that were planned."
    )


class Promotion(Request):
    """The version to serve alone."""

    model_version: str = Field(
        "",
        description="A version of the split, or an alias; empty means the only one beside the champion.",
        examples=["models/adult/versions/2"],
    )
