"""Who answers which calls: rows of quick models are predicted here, all together; every other call goes on as it came.

What goes on is answered by the general server, which has threads, deadlines, traces, admission and all methods: a row
that is out of the ordinary, a large request, a model that is not in memory. A call that takes one message goes on with
it, so that whoever sends none has no place there, and no thread.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import NamedTuple

from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from fairlead.api.inference.v2 import model_repository_pb2
from fairlead.api.inference.v2 import open_inference_pb2 as pb
from fairlead.kit.auth import TokenVerifier
from fairlead.kit.errors import (
    DeadlineExceeded,
    FairleadError,
    Internal,
    ResourceExhausted,
    Unavailable,
    Unimplemented,
    unexpected,
)
from fairlead.kit.logging import get_logger
from fairlead.kit.rpc.interceptors import OPEN_METHODS as ALWAYS_OPEN
from fairlead.kit.rpc.interceptors import count_call
from fairlead.kit.worker_pool import WorkerPool

from ..open_inference.predictions import Predictions
from ..open_inference.servicer import OPEN_METHODS, SERVICE
from ..reading import QUICK_BYTES
from .call import Call
from .messages import NOT_COMPRESSED
from .onward import Onward, Passed, Way

INFER, STREAM = f"{SERVICE}/ModelInfer", f"{SERVICE}/ModelStreamInfer"
WATCH = "/grpc.health.v1.Health/Watch"
OPEN = (*ALWAYS_OPEN, *OPEN_METHODS)
TOGETHER = 64
"""Rows that are answered at a time."""
ARRIVAL_SECONDS, OPEN_ARRIVAL_SECONDS = 120.0, 5.0
"""How long a call's one message may take to arrive, and that of a call without a token."""
OPEN_BYTES = 16 * 1024
"""The largest message of a call that needs no token: the name of a service at most."""
RETRY_SECONDS = 1.0
OTHERS = "other"
"""A label for methods whose names callers make up."""

ONE_MESSAGE = frozenset(
    f"/{service.full_name}/{method.name}"
    for file in (pb.DESCRIPTOR, model_repository_pb2.DESCRIPTOR, health_pb2.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
    if not method.client_streaming
)
"""Methods that are called with one message."""

LOG = get_logger("fairlead.serving.http2")


class _Asked(NamedTuple):
    """A message of a call that waits for the others of this turn of the loop."""

    call: Call
    message: bytes


class Front:
    """Answers calls on one event loop: the Application (connections.py) of the gRPC door."""

    def __init__(
        self,
        predictions: Predictions,
        verifier: TokenVerifier,
        onward: Onward,
        threads: WorkerPool,
        message_bytes: int,
    ) -> None:
        """Messages of streams that take longer are answered by the threads; the others on the loop."""
        self.message_bytes = message_bytes
        self.refused = {"connections": 0, "lag": 0, "flood": 0, "calls": 0}
        """How many connections and calls were refused at the door, by reason."""
        self.behind = False
        """Whether what is read now has waited too long already."""
        self._predictions = predictions
        self._verifier = verifier
        self._onward = onward
        self._threads = threads
        self._asked: list[_Asked] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def queued(self) -> int:
        """Return how many messages wait for a thread."""
        return self._threads.queued

    # What connections tell.

    def began(self, call: Call) -> None:
        """A call has begun: streams that are not answered here go on at once. Raises Unauthenticated."""
        headers = call.headers
        if headers.get(b":method") != b"POST" or not headers.get(b"content-type", b"").startswith(b"application/grpc"):
            call.refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
            return
        if not call.path.startswith("/"):
            raise Unimplemented("the call names no method")
        if _is_open(call):
            call.reader.limit = min(call.reader.limit, OPEN_BYTES)
            return
        # Before any message is read; what goes on is asked for its token again.
        self._verifier.verify(headers.get(b"authorization", b"").decode("latin-1"))
        if call.path not in ONE_MESSAGE and not self._is_plain(call):
            self._hand_on(call)

    def came(self, call: Call, message: bytes) -> None:
        """One of its messages has come. Raises Unimplemented for a second one where one is asked for."""
        if call.handler is not None:
            call.handler.came(message)
        elif call.path == STREAM and not call.slow:
            self._ask(call, message)
        else:
            if call.path != STREAM and call.backlog:
                other = f"; send streams to {STREAM}" if call.path == INFER else ""
                raise Unimplemented(f"{call.path} takes one message, and more have come{other}")
            # A stream's is answered behind those before it, the others once their callers say that there are no more.
            call.backlog.append(message)

    def sent_all(self, call: Call) -> None:
        """Its caller sends no more messages. Raises Unimplemented where one is asked for and none has come."""
        if call.handler is not None:
            call.handler.sent_all()
        elif call.path == STREAM:
            self._end_if_all_is_answered(call)
        elif call.backlog:
            message = call.backlog.popleft()
            assert isinstance(message, bytes)
            if self._is_plain(call):
                self._ask(call, message)
            else:
                self._hand_on_with(call, message)
        else:
            raise Unimplemented(f"{call.path} takes one message, and none has come")

    def gone(self, call: Call) -> None:
        """Its caller is gone before the end."""
        if call.handler is not None:
            call.handler.gone()
        else:
            _count(call, "CANCELLED")

    def failed(self, call: Call, error: FairleadError) -> None:
        """It ends with an error."""
        if call.handler is not None:
            call.handler.gone()
        else:
            _count(call, error.code.value)

    # What the server does now and then.

    def look_at(self, call: Call, now: float) -> None:
        """End a call whose time is over; called about once a second. Whoever it was handed on to does so itself."""
        if call.ended or call.handler is not None:
            return
        if call.until is not None and now > call.until:
            self._fail(call, DeadlineExceeded("the caller's deadline has passed"))
        elif call.path != STREAM and not call.half_closed:
            most = OPEN_ARRIVAL_SECONDS if _is_open(call) else ARRIVAL_SECONDS
            if now - call.arrived > most:
                self._fail(call, DeadlineExceeded(f"the message has not come within {most:g} s"))

    def end_quiet(self, call: Call) -> None:
        """End a call that is owed nothing, since the server ends."""
        if call.ended or call.owes:
            return
        if call.path != STREAM:
            self.cut_short(call)
            return
        call.finish()
        if call.handler is not None:
            call.handler.gone()
        else:
            _count(call, "OK")

    def cut_short(self, call: Call) -> None:
        """End a call because the server does."""
        self._fail(call, Unavailable("the server is about to end; call again, on another connection"))

    # How rows are answered.

    def _is_plain(self, call: Call) -> bool:
        """Return whether a call's messages are looked at here."""
        headers = call.headers
        return (
            call.path in (INFER, STREAM)
            and b"traceparent" not in headers
            and headers.get(b"grpc-encoding", b"").decode("latin-1") in NOT_COMPRESSED
        )

    def _ask(self, call: Call, message: bytes) -> None:
        if self.behind:
            self.refused["lag"] += 1
            raise ResourceExhausted(
                "more requests come than can be answered; try again later", retry_after=RETRY_SECONDS
            )
        call.answering += 1
        self._asked.append(_Asked(call, message))
        if len(self._asked) == 1:
            call.connection.loop.call_soon(self._answer)

    def _answer(self) -> None:
        """Answer what has come in this turn of the loop."""
        asked, self._asked = self._asked, []
        # Who left meanwhile, or waits no more, is not predicted for.
        now = time.monotonic()
        asked = [each for each in asked if not self._is_over(each.call, now)]
        for start in range(0, len(asked), TOGETHER):
            some = asked[start : start + TOGETHER]
            for each, answer in zip(some, self._answers([each.message for each in some]), strict=True):
                try:
                    self._tell(each, answer)
                except FairleadError as error:
                    self._fail(each.call, error)
                except Exception:
                    # What one of them broke must not be the others'.
                    LOG.exception("a call could not be answered", path=each.call.path)
                    self._fail(each.call, unexpected())

    def _answers(self, messages: list[bytes]) -> list[pb.ModelInferResponse | None]:
        try:
            return self._predictions.answer_rows(messages)
        except Exception:
            # Each is asked by itself then, which tells the one that is wrong.
            LOG.exception("rows could not be answered together")
            return [None] * len(messages)

    def _is_over(self, call: Call, now: float) -> bool:
        if not call.ended and call.until is not None and now >= call.until:
            self._fail(call, DeadlineExceeded("the caller's deadline has passed"))
        return call.ended

    def _tell(self, asked: _Asked, answer: pb.ModelInferResponse | None) -> None:
        call = asked.call
        call.answering -= 1
        if call.ended:
            return
        if call.path == INFER:
            if answer is None:
                self._hand_on_with(call, asked.message)
            else:
                call.answer(answer.SerializeToString())
                _count(call, "OK")
        elif answer is None or call.slow:
            # Of a stream what comes behind is answered behind.
            call.backlog.append(asked.message if answer is None else answer)
            self._begin_backlog(call)
        else:
            call.send(_in_stream(answer))
            self._end_if_all_is_answered(call)

    def _hand_on_with(self, call: Call, message: bytes) -> None:
        """Hand on a call whose one message is here."""
        handler = self._hand_on(call)
        handler.came(message)
        handler.sent_all()

    def _hand_on(self, call: Call) -> Passed:
        try:
            return self._onward.take(call, _way_of(call))
        except ResourceExhausted:
            self.refused["calls"] += 1
            raise

    def _begin_backlog(self, call: Call) -> None:
        if not call.slow:
            call.slow = True
            task = call.connection.loop.create_task(self._answer_backlog(call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer_backlog(self, call: Call) -> None:
        """Answer the messages of a stream that wait, in order: those that take long in a thread, one after another."""
        # The first one was looked at.
        most = 1
        try:
            while call.backlog and not call.ended:
                for message, quick in self._looked_at(call, most):
                    await self._answer_next(call, message, quick)
                call.connection.go_on(call)
                most = TOGETHER
            call.slow = False
            if not call.ended:
                self._end_if_all_is_answered(call)
        except FairleadError as error:
            self._fail(call, error)
        except Exception:
            LOG.exception("a stream could not be answered")
            self._fail(call, unexpected())

    async def _answer_next(self, call: Call, message: bytes, quick: pb.ModelInferResponse | None) -> None:
        if call.ended:
            return
        if quick is not None:
            answer = _in_stream(quick)
        else:
            self._threads.refuse_if_behind()
            answer = await call.connection.loop.run_in_executor(
                self._threads, self._answered, message, call.seconds_left()
            )
        call.send(answer)
        await call.taken()

    def _looked_at(self, call: Call, most: int) -> list[tuple[bytes, pb.ModelInferResponse | None]]:
        """Return what waits, at most so many messages, with the answers there are; None for what takes long.

        One that took long must not have all that come behind it asked one by one: there may always be some.
        """
        waiting = [call.backlog.popleft()]
        while call.backlog and len(waiting) < most and _is_small(call.backlog.first):
            waiting.append(call.backlog.popleft())
        messages = [each for each in waiting if isinstance(each, bytes)]
        answers = iter(self._answers(messages) if most > 1 else [None])
        return [(each, next(answers)) if isinstance(each, bytes) else (b"", each) for each in waiting]

    def _answered(self, message: bytes, seconds: float | None) -> bytes:
        try:
            request = pb.ModelInferRequest.FromString(message)
        except DecodeError:
            # What gRPC's own servers answer.
            raise Internal("a message of the stream is no ModelInferRequest") from None
        return self._predictions.answer_in_stream(request, seconds).SerializeToString()

    def _end_if_all_is_answered(self, call: Call) -> None:
        if call.half_closed and not call.owes:
            call.finish()
            _count(call, "OK")

    def _fail(self, call: Call, error: FairleadError) -> None:
        if not call.ended:
            self.failed(call, error)
            call.fail(error)


def _is_small(waiting: bytes | pb.ModelInferResponse) -> bool:
    return not isinstance(waiting, bytes) or len(waiting) <= QUICK_BYTES


def _in_stream(answer: pb.ModelInferResponse) -> bytes:
    return pb.ModelStreamInferResponse(infer_response=answer).SerializeToString()


def _is_open(call: Call) -> bool:
    """Return whether a call needs no token."""
    return call.path.startswith(OPEN)


def _way_of(call: Call) -> Way:
    if call.path == WATCH:
        return Way.WATCHING
    return Way.OPEN if _is_open(call) else Way.KNOWN


def _count(call: Call, code: str) -> None:
    """Count a call that was answered here, as the general server counts its own."""
    method = call.path if call.path == STREAM or call.path in ONE_MESSAGE else OTHERS
    count_call(method, code, time.monotonic() - call.arrived)
