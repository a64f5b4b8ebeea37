"""One stream of calls to one serving process: whoever asks meanwhile goes along with the next message."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import grpc

from fairlead.api.serving.v1 import relay_service_pb2 as pb
from fairlead.kit.errors import DeadlineExceeded
from fairlead.kit.rpc.repeating import never_sent
from fairlead.kit.rpc.status import from_rpc_error

from .metrics import CALLS_PER_MESSAGE, STREAMS_LOST

if TYPE_CHECKING:
    # The types of a stub on an asynchronous channel are in the stub files only.
    from fairlead.api.serving.v1.relay_service_pb2_grpc import RelayServiceAsyncStub

MOST_CALLS = 64
"""Calls in one message: their answers come together, so the first should not wait for many others."""
MOST_UNANSWERED = 2
"""Messages that go before the first is answered. Whoever asks meanwhile shares the next one: a message costs both sides
several times what a call in it does. While there are fewer, nobody waits."""
SWEEP_SECONDS = 0.1
SILENT_SECONDS = 10.0
"""How long a process that was asked may say nothing at all: what is sent on streams is quick to answer.

One that is asked nothing for half of it is sent an empty message, which it answers with another: where a machine is
gone without a word, nothing else would tell.
"""
DRAIN_SECONDS = 10.0


class StreamLost(Exception):
    """The stream ended before the answer came; the call may be sent again."""

    def __init__(self, reason: str, *, silent: bool = False, taken: bool = True) -> None:
        """Tell why; silent where the connection stands, and nothing comes by it; not taken where nobody had the call.

        A process that ends a stream itself has answered the calls that it took.
        """
        super().__init__(reason)
        self.silent = silent
        self.taken = taken


class _Owed(NamedTuple):
    """A call that has no answer yet, and when its time is over."""

    answer: asyncio.Future[pb.RelayedAnswer]
    end: float


class RelayStream:
    """Sends calls and hands out their answers, on one event loop; a stream that was lost is opened anew when needed."""

    def __init__(
        self,
        stub: RelayServiceAsyncStub,
        authorization: Callable[[], str],
        silent_seconds: float = SILENT_SECONDS,
        on_silent: Callable[[StreamLost], None] = lambda _: None,
    ) -> None:
        """Speak to the stub's process, until it is silent, which on_silent is told; the first call opens a stream."""
        self._stub = stub
        self._silent_seconds = silent_seconds
        self._on_silent = on_silent
        self._heard = 0.0
        # Since when something should come. A call whose time is over is still owed a sign of life.
        self._silent_since: float | None = None
        self._asks_for_sign = False
        self._authorization = authorization
        self._waiting: list[pb.RelayedCall] = []
        self._owed: dict[int, _Owed] = {}
        self._next = 0
        self._unanswered = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def watch(self) -> None:
        """Open the stream where it is not, so that the process is heard of."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def ask(self, call: pb.RelayedCall, end: float) -> asyncio.Future[pb.RelayedAnswer]:
        """Return what will be the call's answer; raises StreamLost, or DeadlineExceeded at the monotonic time end."""
        self.watch()
        self._next += 1
        call.number = self._next
        answer: asyncio.Future[pb.RelayedAnswer] = asyncio.get_running_loop().create_future()
        if self._silent_since is None:
            self._silent_since = time.monotonic()
        self._owed[call.number] = _Owed(answer, end)
        self._waiting.append(call)
        self._wake.set()
        return answer

    async def close(self, seconds: float = DRAIN_SECONDS) -> None:
        """End the stream once every call has its answer; after so many seconds those that have none are lost."""
        owed = [each.answer for each in self._owed.values()]
        if owed:
            await asyncio.wait(owed, timeout=seconds)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        stream = self._stub.Relay(metadata=(("authorization", self._authorization()),))
        self._unanswered = 0
        self._heard = time.monotonic()
        lost = StreamLost("the stream ended", taken=False)
        tasks = [asyncio.create_task(work) for work in (self._write(stream), self._read(stream), self._sweep())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if (error := task.exception()) is not None:
                    lost = _loss(error)
            STREAMS_LOST.inc()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            stream.cancel()
            self._lose(lost)
        if lost.silent:
            self._on_silent(lost)

    async def _write(self, stream: grpc.aio.StreamStreamCall[pb.RelayRequest, pb.RelayResponse]) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._asks_for_sign:
                self._asks_for_sign = False
                self._unanswered += 1
                await stream.write(pb.RelayRequest())
            while self._waiting and self._unanswered < MOST_UNANSWERED:
                calls, self._waiting = self._waiting[:MOST_CALLS], self._waiting[MOST_CALLS:]
                CALLS_PER_MESSAGE.observe(len(calls))
                self._unanswered += 1
                await stream.write(pb.RelayRequest(calls=calls))

    async def _read(self, stream: grpc.aio.StreamStreamCall[pb.RelayRequest, pb.RelayResponse]) -> None:
        async for response in stream:
            self._unanswered -= 1
            if self._waiting:
                self._wake.set()
            for answer in response.answers:
                owed = self._owed.pop(answer.number, None)
                if owed is not None and not owed.answer.done():
                    owed.answer.set_result(answer)
            self._heard = time.monotonic()
            self._silent_since = self._heard if self._owed else None

    async def _sweep(self) -> None:
        """Give up calls whose time is over: a timer for each would cost more than the call. Raises StreamLost."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            over = [number for number, owed in self._owed.items() if owed.end <= now]
            for number in over:
                answer = self._owed.pop(number).answer
                if not answer.done():
                    answer.set_exception(DeadlineExceeded("serving did not answer in time"))
            if over and self._waiting:
                # Their bodies are not kept for a message that may be long in coming.
                self._waiting = [call for call in self._waiting if call.number in self._owed]
            if self._silent_since is None:
                self._ask_for_sign(now)
            elif now - self._silent_since > self._silent_seconds:
                raise StreamLost(f"nothing came for {self._silent_seconds:g} s", silent=True)

    def _ask_for_sign(self, now: float) -> None:
        if now - self._heard > self._silent_seconds / 2:
            self._silent_since = now
            self._asks_for_sign = True
            self._wake.set()

    def _lose(self, lost: StreamLost) -> None:
        unsent = {call.number for call in self._waiting}
        owed, self._owed, self._waiting = self._owed, {}, []
        self._silent_since, self._asks_for_sign = None, False
        for number, each in owed.items():
            if not each.answer.done():
                taken = lost.taken and number not in unsent
                each.answer.set_exception(StreamLost(str(lost), silent=lost.silent, taken=taken))


def _loss(error: BaseException) -> StreamLost:
    if isinstance(error, StreamLost):
        return error
    if isinstance(error, grpc.aio.AioRpcError):
        ended = error.code() is grpc.StatusCode.CANCELLED
        return StreamLost(str(from_rpc_error(error)), taken=not (ended or never_sent(error)))
    return StreamLost(repr(error))
