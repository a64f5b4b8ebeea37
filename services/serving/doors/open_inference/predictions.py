"""From a ModelInferRequest to its answer, however it came: by itself, in a stream, or with others."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import DecodeError

from fairlead.api.inference.v2 import open_inference_pb2 as pb
from fairlead.kit.errors import DeadlineExceeded, FairleadError, unexpected
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc import deadline

from ...domain.inference import AskedRow, Inference
from ...domain.requests.limits import LIMITS, RequestLimits
from ...domain.requests.options import PLAIN, PredictionOptions
from ...domain.requests.parameters import options_of, timeout_of
from ...domain.traffic.deployment import name_of_inference
from ..reading import QUICK_BYTES, tensor_reader
from ..together import answer_together
from .convert import parameters_of, requested_outputs, row_messages, tensors_of, to_infer_response
from .row import plain_row

DOOR = "open_inference_grpc"
ASKS_FOR_FINAL, IS_FINAL = "triton_enable_empty_final_response", "triton_final_response"
"""By these a Triton client learns that no second answer follows; here each message has one."""

LOG = get_logger("fairlead.serving.open_inference")


class Predictions:
    """Answers the protocol's requests for predictions. Safe to use from many threads."""

    def __init__(self, inference: Inference, load_seconds: float, limits: RequestLimits = LIMITS) -> None:
        """Wait up to load_seconds for a model that is loading."""
        self._inference = inference
        self._load_seconds = load_seconds
        self._limits = limits

    def answer(self, request: pb.ModelInferRequest) -> pb.ModelInferResponse:
        """Return the answer to one request. Raises as Inference.answer does."""
        if not request.parameters:
            return self._predict(request, PLAIN)
        parameters = parameters_of(request.parameters)
        options, timeout = options_of(parameters), timeout_of(parameters)
        if timeout is None:
            return self._predict(request, options)
        with deadline.within(deadline.remaining(timeout)):
            return self._predict(request, options)

    def answer_in_stream(
        self, request: pb.ModelInferRequest, seconds: float | None = None
    ) -> pb.ModelStreamInferResponse:
        """Return the answer to a message of a stream whose caller waits so many seconds more; None for no end."""
        try:
            with deadline.within(seconds):
                return self._in_stream(request)
        except DeadlineExceeded as error:
            return _failure(request, error.message)

    def answer_rows(self, messages: Sequence[bytes]) -> list[pb.ModelInferResponse | None]:
        """Return the answers to serialized requests that are here at the same time; raises nothing.

        Rows for the same model are predicted together. None stands for what has to be asked by itself: anything but
        one row of a quick model that is in memory, and what is wrong, which is told then.
        """
        asked = [(place, *found) for place, message in enumerate(messages) if (found := _asked_row(message))]
        answers = answer_together(self._inference, asked, DOOR, row_messages)
        return [answers.get(place) for place in range(len(messages))]

    def _in_stream(self, request: pb.ModelInferRequest) -> pb.ModelStreamInferResponse:
        try:
            response = pb.ModelStreamInferResponse(infer_response=self.answer(request))
        except FairleadError as error:
            response = _failure(request, error.message)
        except Exception:
            LOG.exception("a message of a stream failed unexpectedly", model=request.model_name)
            response = _failure(request, unexpected().message)
        if ASKS_FOR_FINAL in request.parameters:
            response.infer_response.parameters[IS_FINAL].bool_param = True
        return response

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


def _asked_row(message: bytes) -> tuple[str, AskedRow] | None:
    """Return the model and the row that a message asks for; None where it is, or asks for, anything else."""
    if len(message) > QUICK_BYTES:
        return None
    try:
        request = pb.ModelInferRequest.FromString(message)
        if request.parameters or request.outputs or request.model_version:
            return None
        row = plain_row(request)
    except DecodeError:
        return None
    except Exception:
        # What one of them broke must not be the others'.
        LOG.exception("a request could not be read beside others")
        return None
    return None if row is None else (request.model_name, AskedRow(row, request.id))


def _failure(request: pb.ModelInferRequest, message: str) -> pb.ModelStreamInferResponse:
    return pb.ModelStreamInferResponse(error_message=message, infer_response=pb.ModelInferResponse(id=request.id))
