"""The forms of relayed calls: bodies in, the inference core, bodies out."""

from __future__ import annotations

from typing import Protocol

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.kit.rpc import deadline

from ...domain.inference import Inference
from ...domain.models.schema import Schema
from ...domain.requests.columns import Columns
from ...domain.requests.limits import RequestLimits
from ...domain.requests.typed_rows import columns_of_typed_rows
from ...domain.traffic.deployment import inference_name_of
from ..reading import tensor_reader
from ..rest.infer_request import HEADER_LENGTH, InferRequest, parse_infer_request
from ..rest.infer_response import infer_response
from ..rest.rows_request import parse_rows_request
from ..rest.rows_response import rows_response

TENSORS_DOOR = "relay_open_inference"
ROWS_DOOR = "relay_rows"


class RelayDoor(Protocol):
    """Answers calls of one form."""

    def answer(self, call: pb.RelayedCall, *, at_once: bool) -> pb.RelayedAnswer:
        """Return the answer, which has a body; at_once without waiting for a turn. Raises FairleadError."""


class TensorsDoor:
    """Requests of the Open Inference Protocol's REST form."""

    def __init__(self, inference: Inference, limits: RequestLimits, load_seconds: float) -> None:
        """Wait up to load_seconds for a model that is loading."""
        self._inference, self._limits, self._load_seconds = inference, limits, load_seconds

    def answer(self, call: pb.RelayedCall, *, at_once: bool) -> pb.RelayedAnswer:
        """Return the answer. Raises as Inference.answer does."""
        length = str(call.json_length).encode() if call.json_length else None
        parsed = parse_infer_request(call.body, length, self._limits)
        if parsed.timeout is None:
            return self._predicted(call, parsed, at_once)
        with deadline.within(deadline.remaining(parsed.timeout)):
            return self._predicted(call, parsed, at_once)

    def _predicted(self, call: pb.RelayedCall, parsed: InferRequest, at_once: bool) -> pb.RelayedAnswer:
        answer = self._inference.answer(
            call.deployment,
            tensor_reader(lambda: parsed.tensors, parsed.row, parsed.outputs, parsed.options, self._limits),
            door=TENSORS_DOOR,
            request_id=parsed.id,
            version=call.version,
            timeout=deadline.remaining(self._load_seconds),
            options=parsed.options,
            at_once=at_once,
        )
        response = infer_response(inference_name_of(call.deployment), parsed, answer)
        length = dict(response.headers).get(HEADER_LENGTH, b"0")
        return pb.RelayedAnswer(number=call.number, body=response.body, json_length=int(length))


class RowsDoor:
    """Rows in JSON, whose values' types tell."""

    def __init__(self, inference: Inference, limits: RequestLimits, load_seconds: float) -> None:
        """Wait up to load_seconds for a model that is loading."""
        self._inference, self._limits, self._load_seconds = inference, limits, load_seconds

    def answer(self, call: pb.RelayedCall, *, at_once: bool) -> pb.RelayedAnswer:
        """Return the answer. Raises as Inference.answer does."""
        asked = parse_rows_request(call.body, self._limits)

        def read(schema: Schema) -> tuple[Columns, int]:
            # Raises where no time is left.
            deadline.remaining(0.0)
            return columns_of_typed_rows(schema, asked.rows)

        answer = self._inference.answer(
            call.deployment,
            read,
            door=ROWS_DOOR,
            request_id=asked.id,
            version=call.version,
            timeout=deadline.remaining(self._load_seconds),
            options=asked.options,
            at_once=at_once,
        )
        return pb.RelayedAnswer(number=call.number, body=rows_response(answer))
