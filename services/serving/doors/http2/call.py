"""One call on a connection of HTTP/2: what it was begun with, what comes, and what is answered.

What holds a call up, and what wakes it:

| what waits                                 | where                | wakes it                                        |
|--------------------------------------------|----------------------|-------------------------------------------------|
| a message, for others of this turn         | Front._asked         | Front._answer, which the loop calls next        |
| a message, for the one before it (`slow`)  | backlog              | Front._answer_backlog, once that is answered    |
| the one message, for the call's last frame | backlog              | sent_all; Front.look_at ends what never comes   |
| a message, for the general server          | Passed.waiting       | Passed._all, once gRPC takes it                 |
| an answer, for the caller to take more     | unsent               | a WINDOW_UPDATE, or the socket (resume_writing) |
| who answers (`taken`), for the same        | room                 | took, whenever the caller takes something       |
| the caller (`held`: its window shuts)      | while it `is_behind` | connection.go_on, after whatever leaves a line  |
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import quote

from fairlead.api.inference.v2 import open_inference_pb2 as pb
from fairlead.kit.errors import FairleadError
from fairlead.kit.http.grpc_timeout import seconds_of
from fairlead.kit.rpc.status import DETAILS_KEY, GRPC_CODES, to_details

from .line import Line
from .messages import ACCEPTED, MessageReader, UnknownEncoding, framed

Header = tuple[bytes, bytes]
Unsent = bytes | memoryview | list[Header]
"""Data, or the trailers, which end it."""

OK = 0
AHEAD = 16
"""Messages of a call, or answers to it, that may wait before its caller is held up; large ones count as several."""
LONGEST_SECONDS = 365 * 24 * 3600.0
"""More would be beyond what gRPC's own timers can tell."""
_BEGIN: list[Header] = [(b":status", b"200"), (b"content-type", b"application/grpc")]
_END_OK: list[Header] = [(b"grpc-status", b"0")]
_UNESCAPED = " !\"#$&'()*+,/:;<=>?@[\\]^`{|}"
"""Beside what is never escaped; the percent sign is not among them."""


class Connection(Protocol):
    """What a call needs of the connection it came on."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that it runs on."""

    def begin(self, call: Call, headers: list[Header]) -> None:
        """Send a call's first headers."""

    def send(self, call: Call, data: bytes) -> None:
        """Send a call's data, as much at a time as the caller takes."""

    def end_call(self, call: Call, trailers: list[Header]) -> None:
        """Send a call's trailers behind what is still unsent."""

    def answer(self, call: Call, data: bytes) -> bool:
        """Send a call's one message and its end in one go; return whether that was possible."""

    def go_on(self, call: Call) -> None:
        """Let a call's caller send more, unless it is behind."""


class Handler(Protocol):
    """Answers the call that it was made for."""

    @property
    def waiting(self) -> int:
        """Return how many messages wait, large ones counted as several."""

    @property
    def owes(self) -> bool:
        """Return whether its caller has sent what is not answered yet."""

    def came(self, message: bytes) -> None:
        """One more message."""

    def sent_all(self) -> None:
        """There are no more."""

    def gone(self) -> None:
        """Its caller is gone."""


class Call:
    """A stream of HTTP/2 as gRPC uses it."""

    __slots__ = (
        "answering",
        "arrived",
        "backlog",
        "begun",
        "connection",
        "ended",
        "half_closed",
        "handler",
        "headers",
        "held",
        "metadata",
        "path",
        "reader",
        "room",
        "since",
        "slow",
        "stream_id",
        "unsent",
        "until",
    )

    def __init__(self, connection: Connection, stream_id: int, metadata: list[Header], limit: int) -> None:
        """Begin with what came first; messages have at most limit bytes."""
        self.connection = connection
        self.stream_id = stream_id
        self.metadata = metadata
        self.headers = headers = dict(metadata)
        self.path = headers.get(b":path", b"").decode("latin-1")
        self.reader = MessageReader(headers.get(b"grpc-encoding", b"").decode("latin-1"), limit)
        self.arrived = self.since = time.monotonic()
        """Since: when the caller last took something of the answer."""
        self.until: float | None = None
        self.unsent: Line[Unsent] = Line()
        """What waits for the caller to take more: data, and last the trailers."""
        self.backlog: Line[bytes | pb.ModelInferResponse] = Line()
        """Messages, and answers, that wait for the message before them to be answered."""
        self.answering = 0
        """Messages that are about to be answered together with those of others."""
        self.slow = False
        """Whether a message of it is being answered in a thread: what comes behind waits in the backlog."""
        self.begun = self.ended = self.half_closed = False
        self.handler: Handler | None = None
        """Whoever answers the call, if not at once."""
        self.held = 0
        """Bytes that came and are not acknowledged yet: the caller sends no more than a window of them."""
        self.room: asyncio.Future[None] | None = None
        """Done once the caller has taken what there is, for whoever waits for that."""

    def read_timeout(self) -> None:
        """Note how long the caller waits. Raises InvalidArgument for a grpc-timeout that is none."""
        timeout = self.headers.get(b"grpc-timeout")
        if timeout is not None:
            self.until = self.arrived + min(seconds_of(timeout.decode("latin-1")), LONGEST_SECONDS)

    @property
    def is_behind(self) -> bool:
        """Whether messages wait, or answers that the caller does not take: it should send no more for now."""
        waiting = self.backlog.weight if self.handler is None else self.handler.waiting
        return waiting > AHEAD or self.unsent.weight > AHEAD

    @property
    def owes(self) -> bool:
        """Whether its caller has sent what is not answered yet."""
        if self.handler is not None:
            return self.handler.owes
        return bool(self.answering or self.slow or self.backlog)

    def seconds_left(self) -> float | None:
        """Return the seconds that the caller still waits; None for no end."""
        return None if self.until is None else self.until - time.monotonic()

    def send(self, message: bytes) -> None:
        """Answer with a message."""
        if self.ended:
            return
        self._begin()
        self.connection.send(self, framed(message))

    def answer(self, message: bytes) -> None:
        """Answer with the one message that there is."""
        if self.ended:
            return
        if self.connection.answer(self, framed(message)):
            self.begun = self.ended = True
        else:
            self.send(message)
            self.finish()

    async def taken(self) -> None:
        """Return once the caller has taken most of what was sent, or is gone."""
        while self.unsent.weight > AHEAD and not self.ended:
            if self.room is None:
                self.room = asyncio.get_running_loop().create_future()
            await self.room

    def took(self, now: float) -> None:
        """Note that the caller took something, or is gone."""
        self.since = now
        if self.room is not None:
            room, self.room = self.room, None
            if not room.done():
                room.set_result(None)

    def finish(self, code: int = OK, message: str = "", trailers: Iterable[Header] = ()) -> None:
        """End the call with a status."""
        if self.ended:
            return
        self.ended = True
        if code == OK and not message and not trailers:
            end = _END_OK
        else:
            end = [(b"grpc-status", b"%d" % code), *trailers]
            if message:
                end.append((b"grpc-message", quote(message, safe=_UNESCAPED).encode()))
        if not self.begun:
            # Without messages headers and trailers are one.
            self.begun = True
            end = [*_BEGIN, *end]
        self.connection.end_call(self, end)

    def fail(self, error: FairleadError) -> None:
        """End the call with an error and its details."""
        trailers = [encoded(DETAILS_KEY.encode(), to_details(error))]
        if isinstance(error, UnknownEncoding):
            trailers.append(ACCEPTED)
        self.finish(GRPC_CODES[error.code].value[0], error.message, trailers)

    def refuse(self, status: int) -> None:
        """End what is no call of gRPC's with a status of HTTP."""
        self.ended = self.begun = True
        self.connection.end_call(self, [(b":status", b"%d" % status)])

    def _begin(self) -> None:
        if not self.begun:
            self.begun = True
            self.connection.begin(self, _BEGIN)


def encoded(name: bytes, value: bytes) -> Header:
    """Return a header as it is sent: what is binary in base64."""
    return (name, b64encode(value).rstrip(b"=")) if name.endswith(b"-bin") else (name, value)
