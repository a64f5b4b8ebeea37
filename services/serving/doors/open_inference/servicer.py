"""The Open Inference Protocol over gRPC."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from fairlead.api.inference.v2 import open_inference_pb2 as pb
from fairlead.kit.rpc import deadline

from ...domain.inference import Inference
from ...domain.repository import ModelRepository
from ...domain.requests.limits import LIMITS, RequestLimits
from ...domain.requests.outputs import input_infos, output_infos
from ...domain.server_info import EXTENSIONS, PLATFORM, SERVER_NAME
from .convert import to_metadata
from .not_offered_servicer import NotOfferedServicer
from .open_streams import OpenStreams
from .predictions import Predictions
from .views import to_config, to_statistics

SERVICE = "/inference.GRPCInferenceService"
OPEN_METHODS = (f"{SERVICE}/ServerLive", f"{SERVICE}/ServerReady")
"""They need no token, as REST's health needs none."""
FREQUENT_METHODS = (f"{SERVICE}/ModelInfer",)
"""A span for each prediction that nobody traces would take longer than what it tells."""


class OpenInferenceServicer(NotOfferedServicer):
    """Answers the protocol's calls and its extensions."""

    def __init__(
        self, inference: Inference, server_version: str, load_seconds: float, limits: RequestLimits = LIMITS
    ) -> None:
        self.predictions = Predictions(inference, load_seconds, limits)
        self._repository = ModelRepository(inference.catalog, inference.book)
        self._server_version = server_version
        self._load_seconds = load_seconds
        self._streams = OpenStreams()

    def ServerLive(self, _request: pb.ServerLiveRequest, _context: grpc.ServicerContext) -> pb.ServerLiveResponse:
        """Say that the server runs."""
        return pb.ServerLiveResponse(live=True)

    def ServerReady(self, _request: pb.ServerReadyRequest, _context: grpc.ServicerContext) -> pb.ServerReadyResponse:
        """Say that the server answers; a model that is still loading is waited for by its calls."""
        return pb.ServerReadyResponse(ready=True)

    def ModelReady(self, request: pb.ModelReadyRequest, _context: grpc.ServicerContext) -> pb.ModelReadyResponse:
        """Say whether a model answers."""
        return pb.ModelReadyResponse(ready=self._repository.is_ready(request.name, request.version))

    def ServerMetadata(
        self, _request: pb.ServerMetadataRequest, _context: grpc.ServicerContext
    ) -> pb.ServerMetadataResponse:
        """Return the server's name, version and extensions."""
        return pb.ServerMetadataResponse(name=SERVER_NAME, version=self._server_version, extensions=EXTENSIONS)

    def ModelMetadata(
        self, request: pb.ModelMetadataRequest, _context: grpc.ServicerContext
    ) -> pb.ModelMetadataResponse:
        """Return a model's inputs and outputs."""
        found = self._repository.describe(request.name, request.version, deadline.remaining(self._load_seconds))
        return pb.ModelMetadataResponse(
            name=request.name,
            versions=found.versions,
            platform=PLATFORM,
            inputs=to_metadata(input_infos(found.model.schema)),
            outputs=to_metadata(output_infos(found.model.schema)),
        )

    def ModelConfig(self, request: pb.ModelConfigRequest, _context: grpc.ServicerContext) -> pb.ModelConfigResponse:
        """Return a model's configuration."""
        found = self._repository.describe(request.name, request.version, deadline.remaining(self._load_seconds))
        return pb.ModelConfigResponse(config=to_config(found))

    def ModelStatistics(
        self, request: pb.ModelStatisticsRequest, _context: grpc.ServicerContext
    ) -> pb.ModelStatisticsResponse:
        """Return what one model, or each, has done."""
        found = self._repository.statistics(request.name, request.version)
        return pb.ModelStatisticsResponse(model_stats=[to_statistics(entry) for entry in found])

    def ModelInfer(self, request: pb.ModelInferRequest, _context: grpc.ServicerContext) -> pb.ModelInferResponse:
        """Predict."""
        return self.predictions.answer(request)

    def ModelStreamInfer(
        self, requests: Iterator[pb.ModelInferRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.ModelStreamInferResponse]:
        """Predict for each message of a stream, in order."""
        for request in self._streams.messages(requests, context):
            yield self.predictions.answer_in_stream(request)

    def RepositoryIndex(
        self, request: pb.RepositoryIndexRequest, _context: grpc.ServicerContext
    ) -> pb.RepositoryIndexResponse:
        """Return every model, or only those that answer."""
        entries = self._repository.index(ready_only=request.ready)
        return pb.RepositoryIndexResponse(
            models=[pb.RepositoryIndexResponse.ModelIndex(**entry._asdict()) for entry in entries]
        )

    def RepositoryModelLoad(
        self, request: pb.RepositoryModelLoadRequest, _context: grpc.ServicerContext
    ) -> pb.RepositoryModelLoadResponse:
        """Load a deployed model into memory."""
        self._repository.load(request.model_name, deadline.remaining(self._load_seconds), request.parameters)
        return pb.RepositoryModelLoadResponse()

    def RepositoryModelUnload(
        self, request: pb.RepositoryModelUnloadRequest, _context: grpc.ServicerContext
    ) -> pb.RepositoryModelUnloadResponse:
        """Free a model's memory."""
        self._repository.unload(request.model_name)
        return pb.RepositoryModelUnloadResponse()

    def end_streams(self, seconds: float) -> None:
        """Let streams go on while their callers send, for so many seconds, and end them."""
        self._streams.end(seconds)
