"""Deployments: protobuf to domain and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from fairlead.api.serving.v1 import deployment_pb2
from fairlead.kit.errors import FieldViolation, InvalidArgument

from ...domain.traffic.catalog import Status
from ...domain.traffic.deployment import REFERENCE_FILE, Deployment, State
from ...domain.traffic.split import Step, Target

STATES = {
    State.LOADING: deployment_pb2.DEPLOYMENT_STATE_LOADING,
    State.READY: deployment_pb2.DEPLOYMENT_STATE_READY,
    State.FAILED: deployment_pb2.DEPLOYMENT_STATE_FAILED,
}


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


def to_deployment(deployment: Deployment, status: Status) -> deployment_pb2.Deployment:
    """Return a deployment as it is sent and published."""
    return deployment_pb2.Deployment(
        name=deployment.name,
        model_version=deployment.model_version,
        state=STATES[status.state],
        error=status.error or deployment.schedule_error,
        inference_name=deployment.inference_name,
        create_time=to_timestamp(deployment.create_time),
        update_time=to_timestamp(deployment.update_time),
        etag=deployment.etag,
        reference_blob=deployment.reference_blob,
        traffic=map(_to_target, deployment.traffic),
        previous_traffic=map(_to_target, deployment.previous_traffic),
        steps=[
            deployment_pb2.TrafficStep(time=to_timestamp(step.time), traffic=map(_to_target, step.traffic))
            for step in deployment.steps
        ],
        pinned=deployment.pinned,
        log_sampling_rate=deployment.log_sampling_rate,
    )


def to_timestamp(instant: datetime) -> Timestamp:
    """Return an instant as protobuf sends it."""
    timestamp = Timestamp()
    timestamp.FromDatetime(instant)
    return timestamp


def _to_target(target: Target) -> deployment_pb2.TrafficTarget:
    return deployment_pb2.TrafficTarget(
        model_version=target.model_version,
        percent=target.percent,
        shadow=target.shadow,
        reference_blob=f"{target.package_blob}/{REFERENCE_FILE}",
    )
