"""The forms of relayed calls: bodies in, the inference core, bodies out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.kit.errors import FairleadError
from fairlead.kit.rpc import deadline

from ...domain.inference import AnsweredRows, AskedRow, Inference
from ...domain.models.schema import Schema
from ...domain.requests.columns import Columns
from ...domain.requests.limits import RequestLimits
from ...domain.requests.typed_rows import columns_of_typed_rows, plain_row_of_typed
from ...domain.traffic.deployment import inference_name_of
from ..reading import tensor_reader
from ..rest.infer_request import HEADER_LENGTH, InferRequest, parse_asked_row, parse_infer_request
from ..rest.infer_response import infer_response, row_responses
from .rows_request import parse_rows_request
from .rows_response import rows_response, rows_responses

TENSORS_DOOR = "relay_open_inference"
ROWS_DOOR = "relay_rows"


class RelayDoor(Protocol):
    """Answers calls of one form."""

    def answer(self, call: pb.RelayedCall, *, at_once: bool) -> pb.RelayedAnswer:
        """Return the answer, which has a body; at_once unless it takes long. Raises FairleadError, TakesLong."""

    def answer_together(self, deployment: str, calls: Sequence[pb.RelayedCall]) -> Iterable[pb.RelayedAnswer]:
        """Return the answers to those of several calls for a deployment that can be answered together."""


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
            request_id=parsed.id or call.request_id,
            version=call.version,
            timeout=deadline.remaining(self._load_seconds),
            options=parsed.options,
            at_once=at_once,
        )
        response = infer_response(inference_name_of(call.deployment), parsed, answer)
        length = dict(response.headers).get(HEADER_LENGTH, b"0")
        return pb.RelayedAnswer(number=call.number, body=response.body, json_length=int(length))

    def answer_together(self, deployment: str, calls: Sequence[pb.RelayedCall]) -> Iterable[pb.RelayedAnswer]:
        """Return the answers to those that are plain rows."""
        # An element takes a byte at least, so that a body of as many bytes as elements may be has none too many.
        rows = [parse_asked_row(call.body) if len(call.body) <= self._limits.elements else None for call in calls]
        name = inference_name_of(deployment)
        return _together(
            self._inference,
            calls,
            rows,
            TENSORS_DOOR,
            lambda found: (response.body for response in row_responses(name, found)),
        )


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
            request_id=asked.id or call.request_id,
            version=call.version,
            timeout=deadline.remaining(self._load_seconds),
            options=asked.options,
            at_once=at_once,
        )
        return pb.RelayedAnswer(number=call.number, body=rows_response(answer))

    def answer_together(self, deployment: str, calls: Sequence[pb.RelayedCall]) -> Iterable[pb.RelayedAnswer]:
        """Return the answers to those that ask for the prediction of a row and nothing else."""
        model = self._inference.catalog.peek(deployment)
        if model is None:
            return []
        rows = [self._asked_row(call.body, model.schema) for call in calls]
        return _together(self._inference, calls, rows, ROWS_DOOR, rows_responses)

    def _asked_row(self, body: bytes, schema: Schema) -> AskedRow | None:
        try:
            asked = parse_rows_request(body, self._limits)
        except FairleadError:
            # By itself it is told what is wrong with it.
            return None
        options = asked.options
        if len(asked.rows) != 1 or options.explain or options.interval:
            return None
        row = plain_row_of_typed(schema, asked.rows[0])
        return None if row is None else AskedRow(row, asked.id, options.routing_key)


def _together(
    inference: Inference,
    calls: Sequence[pb.RelayedCall],
    rows: Sequence[AskedRow | None],
    door: str,
    bodies: Callable[[AnsweredRows], Iterable[bytes]],
) -> Iterable[pb.RelayedAnswer]:
    """Answer the rows of calls, all for the same deployment, where they are."""
    asked = [
        (call.number, row if row.request_id else row._replace(request_id=call.request_id))
        for call, row in zip(calls, rows, strict=True)
        if row is not None
    ]
    if not asked:
        return
    for found in inference.answer_rows(calls[0].deployment, [row for _, row in asked], door=door):
        for place, body in zip(found.places, bodies(found), strict=True):
            yield pb.RelayedAnswer(number=asked[place][0], body=body)
