"""Model versions from the trainer's registry, over gRPC."""

from __future__ import annotations

import grpc

from fairlead.api.trainer.v1 import model_service_pb2 as pb
from fairlead.api.trainer.v1.model_service_pb2_grpc import ModelServiceStub
from fairlead.kit.errors import FieldViolation, InvalidArgument

from ...domain.traffic.deployments import ResolvedVersion


class TrainerRegistry:
    """Implements the domain's Registry."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._models = ModelServiceStub(channel)

    def resolve(self, model_version: str) -> ResolvedVersion:
        """Return the version that a name (number, latest or alias) stands for now. Raises NotFound, Unavailable."""
        if not model_version:
            message = "model_version is empty; give projects/{project}/models/{model}/versions/{version}"
            raise InvalidArgument(message, violations=[FieldViolation("model_version", "must not be empty")])
        version = self._models.GetModelVersion(pb.GetModelVersionRequest(name=model_version)).model_version
        return ResolvedVersion(version.name, version.package_blob)
