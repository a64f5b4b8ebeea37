"""The Open Inference Protocol over gRPC."""

from __future__ import annotations

import grpc

from fairlead.api.inference.v2 import open_inference_pb2 as pb
from fairlead.api.inference.v2.open_inference_pb2_grpc import GRPCInferenceServiceServicer
from fairlead.kit.rpc import deadline

from .domain.columns import Columns
from .domain.deployment import name_of_inference
from .domain.inference import Inference
from .domain.outputs import check_outputs, input_infos, output_infos
from .domain.schema import Schema
from .domain.server_info import GRPC_EXTENSIONS, PLATFORM, SERVER_NAME, is_ready, repository_index
from .domain.tensors import columns_of_tensors
from .open_inference_convert import tensors_of, to_infer_response, to_metadata

DOOR = "open_inference_grpc"


class OpenInferenceServicer(GRPCInferenceServiceServicer):
    """Answers the protocol's calls and its repository extension."""

    def __init__(self, inference: Inference, server_version: str, load_seconds: float) -> None:
        self._inference = inference
        self._server_version = server_version
        self._load_seconds = load_seconds

    def ServerLive(self, _request: pb.ServerLiveRequest, _context: grpc.ServicerContext) -> pb.ServerLiveResponse:
        """Say that the server runs."""
        return pb.ServerLiveResponse(live=True)

    def ServerReady(self, _request: pb.ServerReadyRequest, _context: grpc.ServicerContext) -> pb.ServerReadyResponse:
        """Say that the server answers; a model that is still loading is waited for by its calls."""
        return pb.ServerReadyResponse(ready=True)

    def ModelReady(self, request: pb.ModelReadyRequest, _context: grpc.ServicerContext) -> pb.ModelReadyResponse:
        """Say whether a model is loaded."""
        return pb.ModelReadyResponse(ready=is_ready(self._inference.catalog, request.name, request.version))

    def ServerMetadata(
        self, _request: pb.ServerMetadataRequest, _context: grpc.ServicerContext
    ) -> pb.ServerMetadataResponse:
        """Return the server's name, version and extensions."""
        return pb.ServerMetadataResponse(name=SERVER_NAME, version=self._server_version, extensions=GRPC_EXTENSIONS)

    def ModelMetadata(
        self, request: pb.ModelMetadataRequest, _context: grpc.ServicerContext
    ) -> pb.ModelMetadataResponse:
        """Return a model's inputs and outputs."""
        model = self._inference.model(
            name_of_inference(request.name), request.version, deadline.remaining(self._load_seconds)
        )
        return pb.ModelMetadataResponse(
            name=request.name,
            versions=[model.number],
            platform=PLATFORM,
            inputs=to_metadata(input_infos(model.schema)),
            outputs=to_metadata(output_infos(model.schema)),
        )

    def ModelInfer(self, request: pb.ModelInferRequest, _context: grpc.ServicerContext) -> pb.ModelInferResponse:
        """Predict."""
        outputs = [output.name for output in request.outputs]

        def read(schema: Schema) -> tuple[Columns, int]:
            check_outputs(schema, outputs)
            return columns_of_tensors(schema, tensors_of(request))

        answer = self._inference.answer(
            name_of_inference(request.model_name),
            read,
            door=DOOR,
            request_id=request.id,
            version=request.model_version,
            timeout=deadline.remaining(self._load_seconds),
        )
        return to_infer_response(request.model_name, answer, outputs)

    def RepositoryIndex(
        self, request: pb.RepositoryIndexRequest, _context: grpc.ServicerContext
    ) -> pb.RepositoryIndexResponse:
        """Return every model, or only those that answer."""
        entries = repository_index(self._inference.catalog, ready_only=request.ready)
        return pb.RepositoryIndexResponse(
            models=[pb.RepositoryIndexResponse.ModelIndex(**entry._asdict()) for entry in entries]
        )
