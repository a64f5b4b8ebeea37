"""DeploymentService: protobuf in, domain, protobuf out."""

from __future__ import annotations

import grpc

from fairlead.api.serving.v1 import deployment_pb2
from fairlead.api.serving.v1 import deployment_service_pb2 as pb
from fairlead.api.serving.v1.deployment_service_pb2_grpc import DeploymentServiceServicer
from fairlead.kit.pagination import decode_token, encode_token, page_limit

from ...convert import to_deployment
from ...domain.traffic.catalog import Catalog
from ...domain.traffic.deployment import Deployment
from ...domain.traffic.deployments import Deployments
from .convert import steps_of, targets_of


class DeploymentServicer(DeploymentServiceServicer):
    """Keeps deployments."""

    def __init__(self, deployments: Deployments, catalog: Catalog) -> None:
        self._deployments = deployments
        self._catalog = catalog

    def CreateDeployment(
        self, request: pb.CreateDeploymentRequest, _context: grpc.ServicerContext
    ) -> pb.CreateDeploymentResponse:
        """Serve a model version under a new name."""
        created = self._deployments.create(
            request.parent,
            request.deployment_id,
            request.model_version,
            pinned=request.pinned,
            log_sampling_rate=request.log_sampling_rate,
        )
        return pb.CreateDeploymentResponse(deployment=self._message(created))

    def UpdateDeployment(
        self, request: pb.UpdateDeploymentRequest, _context: grpc.ServicerContext
    ) -> pb.UpdateDeploymentResponse:
        """Serve another version under the same name, or change how it is kept."""
        changed = self._deployments.update(
            request.name,
            request.model_version,
            request.etag,
            pinned=request.pinned if request.HasField("pinned") else None,
            log_sampling_rate=request.log_sampling_rate if request.HasField("log_sampling_rate") else None,
        )
        return pb.UpdateDeploymentResponse(deployment=self._message(changed))

    def SplitTraffic(self, request: pb.SplitTrafficRequest, _context: grpc.ServicerContext) -> pb.SplitTrafficResponse:
        """Divide the requests among versions, now or in steps."""
        changed = self._deployments.split(
            request.name, targets_of(request.traffic), steps_of(request.steps), request.etag
        )
        return pb.SplitTrafficResponse(deployment=self._message(changed))

    def PromoteVersion(
        self, request: pb.PromoteVersionRequest, _context: grpc.ServicerContext
    ) -> pb.PromoteVersionResponse:
        """Let one version of the split answer everything."""
        changed = self._deployments.promote(request.name, request.model_version, request.etag)
        return pb.PromoteVersionResponse(deployment=self._message(changed))

    def RollBackDeployment(
        self, request: pb.RollBackDeploymentRequest, _context: grpc.ServicerContext
    ) -> pb.RollBackDeploymentResponse:
        """Return to the split before this one."""
        changed = self._deployments.roll_back(request.name, request.etag)
        return pb.RollBackDeploymentResponse(deployment=self._message(changed))

    def GetDeployment(
        self, request: pb.GetDeploymentRequest, _context: grpc.ServicerContext
    ) -> pb.GetDeploymentResponse:
        """Return one deployment."""
        return pb.GetDeploymentResponse(deployment=self._message(self._deployments.get(request.name)))

    def ListDeployments(
        self, request: pb.ListDeploymentsRequest, _context: grpc.ServicerContext
    ) -> pb.ListDeploymentsResponse:
        """Return a project's deployments by name."""
        limit = page_limit(request.page_size)
        found = self._deployments.page(request.parent, limit + 1, decode_token(request.page_token))
        token = encode_token(found[limit - 1].id) if len(found) > limit else ""
        return pb.ListDeploymentsResponse(
            deployments=[self._message(deployment) for deployment in found[:limit]], next_page_token=token
        )

    def DeleteDeployment(
        self, request: pb.DeleteDeploymentRequest, _context: grpc.ServicerContext
    ) -> pb.DeleteDeploymentResponse:
        """Stop serving."""
        self._deployments.delete(request.name)
        return pb.DeleteDeploymentResponse()

    def _message(self, deployment: Deployment) -> deployment_pb2.Deployment:
        return to_deployment(deployment, self._catalog.status(deployment.name))
