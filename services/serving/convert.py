"""Deployments from domain to protobuf, as the door answers them and the store publishes them."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from fairlead.api.serving.v1 import deployment_pb2

from .domain.traffic.catalog import Status
from .domain.traffic.deployment import REFERENCE_FILE, Deployment, State
from .domain.traffic.split import Target

STATES = {
    State.LOADING: deployment_pb2.DEPLOYMENT_STATE_LOADING,
    State.READY: deployment_pb2.DEPLOYMENT_STATE_READY,
    State.FAILED: deployment_pb2.DEPLOYMENT_STATE_FAILED,
}


def to_deployment(deployment: Deployment, status: Status) -> deployment_pb2.Deployment:
    """Return a deployment as it is sent and published."""
    return deployment_pb2.Deployment(
        name=deployment.name,
        model_version=deployment.model_version,
        state=STATES[status.state],
        error=status.error or deployment.schedule_error,
        inference_name=deployment.inference_name,
        create_time=_to_timestamp(deployment.create_time),
        update_time=_to_timestamp(deployment.update_time),
        etag=deployment.etag,
        reference_blob=deployment.reference_blob,
        traffic=map(_to_target, deployment.traffic),
        previous_traffic=map(_to_target, deployment.previous_traffic),
        steps=[
            deployment_pb2.TrafficStep(time=_to_timestamp(step.time), traffic=map(_to_target, step.traffic))
            for step in deployment.steps
        ],
        pinned=deployment.pinned,
        log_sampling_rate=deployment.log_sampling_rate,
    )


def _to_timestamp(instant: datetime) -> Timestamp:
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
