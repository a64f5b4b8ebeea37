"""Who answers which calls: rows of quick models are predicted here, all together; every other call goes on as it came.

What goes on is answered by the general server, which has threads, deadlines, traces, admission and all methods: a row
that is out of the ordinary, a large request, a model that is not in memory, a caller without a valid token.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple

from google.protobuf.message import DecodeError

from fairlead.api.inference.v2 import open_inference_pb2 as pb
from fairlead.kit.auth import TokenVerifier
from fairlead.kit.errors import DeadlineExceeded, InvalidArgument, Unauthenticated
from fairlead.kit.rpc.interceptors import count_answered

from ...domain.inference import AskedRow, Inference
from ...domain.traffic.deployment import name_of_inference
from ..open_inference.convert import row_messages
from ..open_inference.row import plain_row
from ..open_inference.servicer import DOOR, SERVICE
from .call import Call
from .onward import Onward

INFER, STREAM = f"{SERVICE}/ModelInfer", f"{SERVICE}/ModelStreamInfer"
QUICK_BYTES = 16 * 1024
TOGETHER = 64
"""Rows that are answered at a time."""

Slow = Callable[[pb.ModelInferRequest, float | None], pb.ModelStreamInferResponse]


class _Asked(NamedTuple):
    """A message of a call that waits for the others of this turn of the loop."""

    call: Call
    message: bytes
    arrived: float


class _Row(NamedTuple):
    asked: _Asked
    request: pb.ModelInferRequest
    row: AskedRow


class Front:
    """Answers calls on one event loop."""

    def __init__(
        self,
        inference: Inference,
        verifier: TokenVerifier,
        onward: Onward,
        slow: Slow,
        threads: Executor,
        message_bytes: int,
    ) -> None:
        """slow answers a message of a stream that takes longer, in a thread, within the seconds that are left."""
        self._threads = threads
        self.message_bytes = message_bytes
        self._inference = inference
        self._verifier = verifier
        self._onward = onward
        self._slow = slow
        self._asked: list[_Asked] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def began(self, call: Call) -> None:
        """A call has begun: those that are not answered here go on at once."""
        if call.path not in (INFER, STREAM) or b"traceparent" in call.headers or not self._knows(call):
            self._onward.take(call)

    def came(self, call: Call, message: bytes) -> None:
        """One of its messages has come."""
        if call.handler is not None:
            call.handler.came(message)
        elif call.path == INFER:
            # Answered once its caller has said that there are no more.
            call.backlog.append(message)
        elif call.slow:
            call.backlog.append(message)
        else:
            self._ask(call, message)

    def sent_all(self, call: Call) -> None:
        """Its caller sends no more messages."""
        if call.handler is not None:
            call.handler.sent_all()
        elif call.path == INFER and len(call.backlog) == 1:
            self._ask(call, call.backlog.popleft())
        elif call.path == INFER:
            self._pass_on(call)
        else:
            self._end_if_all_is_answered(call)

    def end_quiet(self, call: Call) -> None:
        """End a stream that is owed nothing, since the server ends."""
        if call.path == STREAM and call.handler is None and not (call.answering or call.slow or call.backlog):
            call.finish()

    def left(self, call: Call) -> None:
        """Its caller is gone before the end."""
        call.backlog.clear()
        if call.handler is not None:
            call.handler.left()

    def _knows(self, call: Call) -> bool:
        """Return whether the caller has a valid token; the general server tells the others."""
        try:
            self._verifier.verify(call.headers.get(b"authorization", b"").decode("latin-1"))
        except Unauthenticated:
            return False
        return True

    def _ask(self, call: Call, message: bytes) -> None:
        call.answering += 1
        self._asked.append(_Asked(call, message, time.perf_counter()))
        if len(self._asked) == 1:
            call.connection.loop.call_soon(self._answer)

    def _answer(self) -> None:
        """Answer what has come in this turn of the loop."""
        asked, self._asked = self._asked, []
        for start in range(0, len(asked), TOGETHER):
            self._answer_some(asked[start : start + TOGETHER])

    def _answer_some(self, asked: list[_Asked]) -> None:
        rows: dict[str, list[_Row]] = {}
        alone: list[_Asked] = []
        held: set[Call] = set()
        for each in asked:
            row = None if each.call in held else _row_of(each)
            if row is None:
                # Of a stream what comes behind is answered behind.
                held.add(each.call)
                alone.append(each)
            else:
                rows.setdefault(row.request.model_name, []).append(row)
        for model_name, some in rows.items():
            alone += self._predict(model_name, some)
        for each in sorted(alone, key=asked.index):
            if not each.call.ended:
                self._answer_alone(each)

    def _predict(self, model_name: str, rows: list[_Row]) -> list[_Asked]:
        """Answer rows for one model; return those that are to be answered one by one."""
        now = time.monotonic()
        rows, late = (
            [row for row in rows if row.asked.call.until is None or row.asked.call.until > now],
            [row for row in rows if row.asked.call.until is not None and row.asked.call.until <= now],
        )
        for row in late:
            row.asked.call.fail(DeadlineExceeded("the caller's deadline has passed"))
        answered_places: set[int] = set()
        deployment = name_of_inference(model_name)
        for found in self._inference.answer_rows(deployment, [row.row for row in rows], door=DOOR):
            for place, message in zip(found.places, row_messages(model_name, found), strict=True):
                answered_places.add(place)
                self._tell(rows[place].asked, message)
        return [row.asked for place, row in enumerate(rows) if place not in answered_places]

    def _tell(self, asked: _Asked, message: pb.ModelInferResponse) -> None:
        call = asked.call
        call.answering -= 1
        if call.path == INFER:
            call.send(message.SerializeToString())
            call.finish()
            count_answered(INFER, time.perf_counter() - asked.arrived)
            return
        call.send(pb.ModelStreamInferResponse(infer_response=message).SerializeToString())
        self._end_if_all_is_answered(call)

    def _answer_alone(self, asked: _Asked) -> None:
        call = asked.call
        call.answering -= 1
        call.backlog.append(asked.message)
        if call.path == INFER:
            self._pass_on(call)
        elif not call.slow:
            call.slow = True
            task = call.connection.loop.create_task(self._answer_slowly(call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer_slowly(self, call: Call) -> None:
        """Answer the messages of a stream that wait, one after another, in a thread."""
        while call.backlog and not call.ended:
            try:
                request = pb.ModelInferRequest.FromString(call.backlog.popleft())
                call.connection.go_on(call)
            except DecodeError:
                call.fail(InvalidArgument("a message of the stream is no ModelInferRequest"))
                return
            answer = await call.connection.loop.run_in_executor(self._threads, self._slow, request, call.left())
            call.send(answer.SerializeToString())
        call.slow = False
        self._end_if_all_is_answered(call)

    def _end_if_all_is_answered(self, call: Call) -> None:
        if call.half_closed and not (call.answering or call.slow or call.backlog):
            call.finish()

    def _pass_on(self, call: Call) -> None:
        messages = list(call.backlog)
        call.backlog.clear()
        handler = self._onward.take(call)
        for message in messages:
            handler.came(message)
        if call.half_closed:
            handler.sent_all()


def _row_of(asked: _Asked) -> _Row | None:
    """Return the row that a message asks for; None where it is, or asks for, anything else."""
    if len(asked.message) > QUICK_BYTES:
        return None
    try:
        request = pb.ModelInferRequest.FromString(asked.message)
    except DecodeError:
        return None
    if request.parameters or request.outputs or request.model_version:
        return None
    row = plain_row(request)
    return None if row is None else _Row(asked, request, AskedRow(row, request.id))
