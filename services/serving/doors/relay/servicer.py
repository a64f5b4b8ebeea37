"""RelayService: predictions that a gateway was asked for, many callers' on one stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import grpc
from opentelemetry.trace import SpanKind

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.api.serving.v1.relay_service_pb2_grpc import RelayServiceServicer
from fairlead.kit.errors import FairleadError, InvalidArgument, unexpected
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc.status import to_details
from fairlead.kit.tracing import extract, span

from ...domain.inference import TakesLong
from ..open_inference.open_streams import OpenStreams
from ..reading import QUICK_BYTES
from .forms import RelayDoor

LEAST_TOGETHER, MOST_TOGETHER = 2, 64
"""How many calls of a message are answered together."""

LOG = get_logger("fairlead.serving.relay")


class RelayServicer(RelayServiceServicer):
    """Answers what is quick on the stream's own thread, and asks for the rest one by one."""

    def __init__(self, doors: Mapping[int, RelayDoor]) -> None:
        """Answer each form (a RelayForm) by its door."""
        self._doors = doors
        self._streams = OpenStreams()

    def Relay(self, requests: Iterator[pb.RelayRequest], context: grpc.ServicerContext) -> Iterator[pb.RelayResponse]:
        """Answer the calls of each message by one message."""
        for request in self._streams.messages(requests, context):
            calls = request.calls
            yield pb.RelayResponse(
                answers=[
                    answer
                    for start in range(0, len(calls), MOST_TOGETHER)
                    for answer in self._answers(calls[start : start + MOST_TOGETHER])
                ]
            )

    def RelayOne(self, request: pb.RelayOneRequest, _context: grpc.ServicerContext) -> pb.RelayOneResponse:
        """Answer one call, however long it takes."""
        return pb.RelayOneResponse(answer=self._answered(request.call, at_once=False))

    def close(self) -> None:
        """End the streams: each with the answers it owes, those that wait for calls at once."""
        self._streams.close()

    def _answers(self, calls: Sequence[pb.RelayedCall]) -> list[pb.RelayedAnswer]:
        if len(calls) < LEAST_TOGETHER:
            return [self._answer(call) for call in calls]
        alike: dict[tuple[int, str], list[pb.RelayedCall]] = {}
        for call in calls:
            if not (call.version or call.traceparent or call.json_length) and len(call.body) <= QUICK_BYTES:
                alike.setdefault((call.form, call.deployment), []).append(call)
        answered: dict[int, pb.RelayedAnswer] = {}
        for (form, deployment), those in alike.items():
            door = self._doors.get(form)
            if door is not None and len(those) >= LEAST_TOGETHER:
                try:
                    answered.update((answer.number, answer) for answer in door.answer_together(deployment, those))
                except Exception:
                    # What one of them broke must not be the others'.
                    LOG.exception("relayed calls could not be answered together", deployment=deployment)
        # What could not be answered with others is answered alone, which tells what is wrong with it.
        return [answered.get(call.number) or self._answer(call) for call in calls]

    def _answer(self, call: pb.RelayedCall) -> pb.RelayedAnswer:
        if len(call.body) > QUICK_BYTES:
            return pb.RelayedAnswer(number=call.number, slow=True)
        try:
            return self._answered(call, at_once=True)
        except FairleadError as error:
            return pb.RelayedAnswer(number=call.number, error=to_details(error))
        except Exception:
            LOG.exception("a relayed call failed unexpectedly", deployment=call.deployment)
            return pb.RelayedAnswer(number=call.number, error=to_details(unexpected()))

    def _answered(self, call: pb.RelayedCall, *, at_once: bool) -> pb.RelayedAnswer:
        door = self._doors.get(call.form)
        if door is None:
            raise InvalidArgument(f"a relayed call of form {call.form} is not answered here")
        if not call.traceparent:
            return _by(door, call, at_once=at_once)
        caller = extract({"traceparent": call.traceparent})
        with span("serving.predict", caller, kind=SpanKind.SERVER, deployment=call.deployment):
            return _by(door, call, at_once=at_once)


def _by(door: RelayDoor, call: pb.RelayedCall, *, at_once: bool) -> pb.RelayedAnswer:
    try:
        return door.answer(call, at_once=at_once)
    except TakesLong:
        # It would hold up the others longer than sending it again takes.
        return pb.RelayedAnswer(number=call.number, slow=True)
