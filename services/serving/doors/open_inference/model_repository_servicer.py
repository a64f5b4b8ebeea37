"""The model repository as MLServer's clients call it: a service of its own."""

from __future__ import annotations

import grpc

from fairlead.api.inference.v2 import model_repository_pb2 as pb
from fairlead.api.inference.v2.model_repository_pb2_grpc import ModelRepositoryServiceServicer
from fairlead.kit.rpc import deadline

from ...domain.repository import ModelRepository


class ModelRepositoryServicer(ModelRepositoryServiceServicer):
    """Answers as the same calls of the Open Inference Protocol's service do."""

    def __init__(self, repository: ModelRepository, load_seconds: float) -> None:
        self._repository = repository
        self._load_seconds = load_seconds

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
        self._repository.load(request.model_name, deadline.remaining(self._load_seconds))
        return pb.RepositoryModelLoadResponse()

    def RepositoryModelUnload(
        self, request: pb.RepositoryModelUnloadRequest, _context: grpc.ServicerContext
    ) -> pb.RepositoryModelUnloadResponse:
        """Free a model's memory."""
        self._repository.unload(request.model_name)
        return pb.RepositoryModelUnloadResponse()
