"""One call on a connection of HTTP/2: what it was begun with, what comes, and what is answered."""

from __future__ import annotations

import time
from base64 import b64encode
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from fairlead.kit.errors import FairleadError
from fairlead.kit.http.grpc_timeout import seconds_of
from fairlead.kit.rpc.status import DETAILS_KEY, GRPC_CODES, to_details

from .messages import MessageReader, framed

if TYPE_CHECKING:
    from .connection import Http2Connection

Header = tuple[bytes, bytes]

OK = 0
AHEAD = 16
"""Messages of a call, or answers to it, that may wait before its caller is held up."""
_BEGIN: list[Header] = [(b":status", b"200"), (b"content-type", b"application/grpc")]
_END_OK: list[Header] = [(b"grpc-status", b"0")]
_UNESCAPED = " !\"#$&'()*+,/:;<=>?@[\\]^`{|}"
"""Beside what is never escaped; the percent sign is not among them."""


class Handler(Protocol):
    """Answers the call that it was made for."""

    @property
    def waiting(self) -> int:
        """Return how many messages wait."""

    def came(self, message: bytes) -> None:
        """One more message."""

    def sent_all(self) -> None:
        """There are no more."""

    def left(self) -> None:
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
        "path",
        "reader",
        "slow",
        "stream_id",
        "unsent",
        "until",
    )

    def __init__(self, connection: Http2Connection, stream_id: int, headers: dict[bytes, bytes], limit: int) -> None:
        """Begin with the headers; messages have at most limit bytes."""
        self.connection = connection
        self.stream_id = stream_id
        self.headers = headers
        self.path = headers.get(b":path", b"").decode("latin-1")
        self.reader = MessageReader(headers.get(b"grpc-encoding", b"").decode("latin-1"), limit)
        self.arrived = time.monotonic()
        self.until: float | None = None
        self.unsent: deque[bytes | list[Header]] = deque()
        """What waits for the caller to take more: data, and last the trailers."""
        self.backlog: deque[bytes] = deque()
        """Messages that wait for the one before them to be answered."""
        self.answering = 0
        """Messages that are about to be answered together with those of others."""
        self.slow = False
        """Whether a message of it is being answered in a thread: what comes behind waits in the backlog."""
        self.begun = self.ended = self.half_closed = False
        self.handler: Handler | None = None
        """Whoever answers the call, if not at once."""
        self.held = 0
        """Bytes that came and are not acknowledged yet: the caller sends no more than a window of them."""

    def read_timeout(self) -> None:
        """Note how long the caller waits. Raises InvalidArgument for a grpc-timeout that is none."""
        timeout = self.headers.get(b"grpc-timeout")
        if timeout is not None:
            self.until = self.arrived + seconds_of(timeout.decode("latin-1"))

    @property
    def is_behind(self) -> bool:
        """Whether messages wait, or answers that the caller does not take: it should send no more for now."""
        waiting = len(self.backlog) if self.handler is None else self.handler.waiting
        return waiting > AHEAD or len(self.unsent) > AHEAD

    def left(self) -> float | None:
        """Return the seconds that the caller still waits; None for no end."""
        return None if self.until is None else self.until - time.monotonic()

    def send(self, message: bytes) -> None:
        """Answer with a message."""
        if self.ended:
            return
        self._begin()
        self.connection.send(self, framed(message))

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
        self.connection.end(self, end)

    def fail(self, error: FairleadError) -> None:
        """End the call with an error and its details."""
        details = encoded(DETAILS_KEY.encode(), to_details(error))
        self.finish(GRPC_CODES[error.code].value[0], error.message, [details])

    def _begin(self) -> None:
        if not self.begun:
            self.begun = True
            self.connection.begin(self, _BEGIN)


def encoded(name: bytes, value: bytes) -> Header:
    """Return a header as it is sent: what is binary in base64."""
    return (name, b64encode(value).rstrip(b"=")) if name.endswith(b"-bin") else (name, value)
