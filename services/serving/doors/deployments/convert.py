"""What callers ask of deployments: protobuf to domain."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from fairlead.api.serving.v1 import deployment_pb2
from fairlead.kit.errors import FieldViolation, InvalidArgument

from ...domain.traffic.split import Step, Target


def targets_of(traffic: Iterable[deployment_pb2.TrafficTarget]) -> list[Target]:
    """Return the targets of a split, whose versions are still to be resolved."""
    return [Target(target.model_version, "", target.percent, target.shadow) for target in traffic]


def steps_of(steps: Iterable[deployment_pb2.TrafficStep]) -> list[Step]:
    """Return the steps of a plan. Raises InvalidArgument for one without a time, or one that is no time."""
    return [Step(_time(step, index), tuple(targets_of(step.traffic))) for index, step in enumerate(steps)]


def _time(step: deployment_pb2.TrafficStep, index: int) -> datetime:
    field = f"steps[{index}].time"
    if not step.HasField("time"):
        raise InvalidArgument(f"{field}: say when", violations=[FieldViolation(field, "must not be empty")])
    try:
        return step.time.ToDatetime(UTC)
    except ValueError as error:
        raise InvalidArgument(f"{field}: {error}", violations=[FieldViolation(field, "must be a time")]) from error
