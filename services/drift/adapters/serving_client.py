"""What the serving service knows of a deployment."""

from __future__ import annotations

import grpc

from fairlead.api.serving.v1 import deployment_pb2, deployment_service_pb2, deployment_service_pb2_grpc
from fairlead.kit.errors import NotFound


class ServingClient:
    """Asks serving."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = deployment_service_pb2_grpc.DeploymentServiceStub(channel)

    def find(self, deployment: str) -> deployment_pb2.Deployment | None:
        """Return the deployment as it is now, None where it ended. Raises Unavailable where serving is away."""
        try:
            return self._stub.GetDeployment(deployment_service_pb2.GetDeploymentRequest(name=deployment)).deployment
        except NotFound:
            return None
