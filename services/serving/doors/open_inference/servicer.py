"""The Open Inference Protocol over gRPC."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from fairlead.api.inference.v2 import open_inference_pb2 as pb
from fairlead.kit.errors import DeadlineExceeded, FairleadError
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc import deadline

from ...domain.inference import Inference
from ...domain.repository import ModelRepository
from ...domain.requests.limits import LIMITS, RequestLimits
from ...domain.requests.options import PLAIN, PredictionOptions
from ...domain.requests.outputs import input_infos, output_infos
from ...domain.requests.parameters import options_of, timeout_of
from ...domain.server_info import EXTENSIONS, PLATFORM, SERVER_NAME
from ...domain.traffic.deployment import name_of_inference
from ..reading import tensor_reader
from .convert import parameters_of, requested_outputs, tensors_of, to_infer_response, to_metadata
from .not_offered_servicer import NotOfferedServicer
from .open_streams import OpenStreams
from .row import plain_row
from .views import to_config, to_statistics

DOOR = "open_inference_grpc"
SERVICE = "/inference.GRPCInferenceService"
OPEN_METHODS = (f"{SERVICE}/ServerLive", f"{SERVICE}/ServerReady")
"""They need no token, as REST's health needs none."""
FREQUENT_METHODS = (f"{SERVICE}/ModelInfer",)
"""A span for each prediction that nobody traces would take longer than what it tells."""
ASKS_FOR_FINAL, IS_FINAL = "triton_enable_empty_final_response", "triton_final_response"
"""By these a Triton client learns that no second answer follows; here each message has one."""
UNEXPECTED = "the service failed on this request; its log has the detail"

LOG = get_logger("fairlead.serving.open_inference")


class OpenInferenceServicer(NotOfferedServicer):
    """Answers the protocol's calls and its extensions."""

    def __init__(
        self, inference: Inference, server_version: str, load_seconds: float, limits: RequestLimits = LIMITS
    ) -> None:
        self._inference = inference
        self._repository = ModelRepository(inference.catalog, inference.book)
        self._server_version = server_version
        self._load_seconds = load_seconds
        self._limits = limits
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
        return self._infer(request)

    def ModelStreamInfer(
        self, requests: Iterator[pb.ModelInferRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.ModelStreamInferResponse]:
        """Predict for each message of a stream, in order."""
        for request in self._streams.messages(requests, context):
            yield self._in_stream(request)

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

    def in_stream(self, request: pb.ModelInferRequest, seconds: float | None = None) -> pb.ModelStreamInferResponse:
        """Return the answer to a message of a stream whose caller waits so many seconds more; None for no end."""
        try:
            with deadline.within(seconds):
                return self._in_stream(request)
        except DeadlineExceeded as error:
            return _failure(request, error.message)

    def _in_stream(self, request: pb.ModelInferRequest) -> pb.ModelStreamInferResponse:
        try:
            response = pb.ModelStreamInferResponse(infer_response=self._infer(request))
        except FairleadError as error:
            response = _failure(request, error.message)
        except Exception:
            LOG.exception("a message of a stream failed unexpectedly", model=request.model_name)
            response = _failure(request, UNEXPECTED)
        if ASKS_FOR_FINAL in request.parameters:
            response.infer_response.parameters[IS_FINAL].bool_param = True
        return response

    def _infer(self, request: pb.ModelInferRequest) -> pb.ModelInferResponse:
        if not request.parameters:
            return self._predict(request, PLAIN)
        parameters = parameters_of(request.parameters)
        options, timeout = options_of(parameters), timeout_of(parameters)
        if timeout is None:
            return self._predict(request, options)
        with deadline.within(deadline.remaining(timeout)):
            return self._predict(request, options)

    def _predict(self, request: pb.ModelInferRequest, options: PredictionOptions) -> pb.ModelInferResponse:
        outputs = requested_outputs(request)
        answer = self._inference.answer(
            name_of_inference(request.model_name),
            tensor_reader(
                lambda: tensors_of(request, self._limits), plain_row(request), outputs, options, self._limits
            ),
            door=DOOR,
            request_id=request.id,
            version=request.model_version,
            timeout=deadline.remaining(self._load_seconds),
            options=options,
        )
        return to_infer_response(request.model_name, answer, outputs)


def _failure(request: pb.ModelInferRequest, message: str) -> pb.ModelStreamInferResponse:
    return pb.ModelStreamInferResponse(error_message=message, infer_response=pb.ModelInferResponse(id=request.id))
