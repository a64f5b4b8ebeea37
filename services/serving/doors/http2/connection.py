"""One connection of HTTP/2: bytes to calls. How answers become bytes is in sending.py, the protocol in protocol.py."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import cast

import h2.errors
import h2.events
import h2.exceptions

from fairlead.kit.errors import FairleadError, InvalidArgument, unexpected
from fairlead.kit.logging import get_logger

from .call import Call, Header
from .connections import Connections
from .protocol import CALLS_OF_A_CONNECTION
from .sending import Sending

PIECE_BYTES = 32 * 1024
"""What is taken of one caller before the others have their turn: calls that are refused can be very small."""
LOTS = (0.9, 1.1)

LOG = get_logger("fairlead.serving.http2")


class Http2Connection(Sending):
    """Calls of one caller."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(connections)
        self._rest = b""
        self.began = self.since = connections.loop.time()
        """When something last came, or the caller last fell behind."""
        self.lot = random.uniform(*LOTS)
        """How much of its age is this one's: connections that came together should not go together."""
        self.leaves = False
        """Whether the caller was told to begin no more calls here."""
        self.asked_at: float | None = None
        """When the caller was asked whether it is still there."""
        self._on: dict[type, Callable[..., None]] = {
            h2.events.RequestReceived: self._begin,
            h2.events.DataReceived: self._take,
            h2.events.StreamEnded: self._half_close,
            h2.events.StreamReset: self._reset,
            h2.events.WindowUpdated: self._widen,
            h2.events.RemoteSettingsChanged: self._change,
            h2.events.TrailersReceived: _ignore,
        }

    @property
    def unread(self) -> bool:
        """Whether the caller does not take what was written, or has not taken the last of it."""
        return self._closed or not self._writable

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast(asyncio.Transport, transport)
        self._http.begin()
        self._connections.open.add(self)
        self._flush()
        if len(self._connections.open) > self._connections.most:
            self._connections.refused["connections"] += 1
            self.end(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM, b"too many connections are open here")
        elif self._connections.ending:
            self.tell_end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The connection is gone."""
        self._connections.open.discard(self)
        self._lose_all()

    def pause_writing(self) -> None:
        """The caller reads too slowly: it is neither answered nor read until it has caught up."""
        self._writable = False
        self.since = self._connections.loop.time()
        self._read_or_not()

    def resume_writing(self) -> None:
        """The caller has caught up."""
        self._writable = True
        self._send_waiting()
        self._read_on()

    def data_received(self, data: bytes) -> None:
        """Bytes have come; those that are no HTTP/2 end the connection."""
        self.since = self._connections.loop.time()
        self.asked_at = None
        if self._rest or len(data) > PIECE_BYTES or not self._writable:
            self._rest += data
            self._read_on()
        else:
            self._receive(data)

    def _read_on(self) -> None:
        """Take the next of what came, and have others their turn."""
        if self._rest and self._writable and not self._closed:
            piece, self._rest = self._rest[:PIECE_BYTES], self._rest[PIECE_BYTES:]
            self._receive(piece)
            if self._rest:
                self._connections.loop.call_soon(self._read_on)
        self._read_or_not()

    def _read_or_not(self) -> None:
        if self._transport.is_closing():
            return
        if self._writable and not self._rest:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _receive(self, data: bytes) -> None:
        if self._closed:
            return
        try:
            events = self._http.receive_data(data)
        except h2.exceptions.ProtocolError:
            # It has written why, for the caller to read.
            self._flush()
            self._close()
            return
        for event in events:
            self._handle(event)
        # Behind the answers to what came with it, so that both are written at once.
        self._flush_soon()

    def _handle(self, event: h2.events.Event) -> None:
        # One before it may have been too much.
        if not self._closed:
            self._on.get(type(event), self._strike)(event)

    # What the server does.

    def ask_whether_there(self, now: float) -> None:
        """Have the caller send something, if it is there."""
        self.asked_at = now
        if not self._closed:
            self._http.ping(b"fairlead")
            self._flush()

    def leave(self) -> None:
        """Have the caller go on by another connection; calls under way are answered here."""
        if not self.leaves and not self._closed:
            self.leaves = True
            self.tell_end()

    def forgive(self) -> None:
        """Forget some of what the caller sent in vain; called once a second."""
        self._patience.forgive()

    # What comes.

    def _begin(self, event: h2.events.RequestReceived) -> None:
        stream_id = event.stream_id or 0
        if len(self.calls) >= CALLS_OF_A_CONNECTION:
            self._strike(event)
            if not self._closed:
                self._http.reset_stream(stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
                self._http.forget(stream_id)
            return
        metadata = cast("list[Header]", event.headers or [])
        call = Call(self, stream_id, metadata, self._application.message_bytes)
        call.half_closed = event.stream_ended is not None
        self.calls[stream_id] = call
        self._tell(call, self._start)

    def _take(self, event: h2.events.DataReceived) -> None:
        stream_id, size = event.stream_id or 0, event.flow_controlled_length or 0
        ends = event.stream_ended is not None
        if not event.data and not ends:
            self._strike(event)
        call = self.calls.get(stream_id)
        if call is None or call.ended:
            if not self._closed:
                self._http.acknowledge_received_data(size, stream_id)
            return
        call.half_closed |= ends
        call.held += size
        self._tell(call, self._read, event.data or b"")
        self.go_on(call)

    def _half_close(self, event: h2.events.StreamEnded) -> None:
        call = self.calls.get(event.stream_id or 0)
        if call is None or call.ended:
            return
        call.half_closed = True
        self._tell(call, self._end_reading)

    def _reset(self, event: h2.events.StreamReset) -> None:
        call = self.calls.get(event.stream_id or 0)
        if call is not None:
            self._lose(call)
        self._strike(event)

    def _widen(self, event: h2.events.WindowUpdated) -> None:
        self._strike(event)
        if not event.stream_id:
            self._send_waiting()
        elif (call := self.calls.get(event.stream_id)) is not None and call.unsent:
            self._send_waiting_of(call)

    def _change(self, event: h2.events.RemoteSettingsChanged) -> None:
        self._strike(event)
        self._send_waiting()

    def _strike(self, _event: h2.events.Event) -> None:
        """Count what asks for nothing; a flood of it ends the connection."""
        if self._patience.strike() and not self._closed:
            self._connections.refused["flood"] += 1
            self.end(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM, b"too many frames that ask for nothing")

    # How calls end.

    def _start(self, call: Call) -> None:
        call.read_timeout()
        self._application.began(call)

    def _read(self, call: Call, data: bytes) -> None:
        for message in call.reader.read(data):
            if not call.ended:
                self._application.came(call, message)

    def _end_reading(self, call: Call) -> None:
        if call.reader.is_within:
            raise InvalidArgument("the call ended within a message")
        self._application.sent_all(call)

    def _tell(self, call: Call, act: Callable[..., None], *arguments: bytes) -> None:
        """Do something with a call that may end it by raising."""
        try:
            act(call, *arguments)
        except FairleadError as error:
            self._fail(call, error)
        except Exception:
            LOG.exception("a call failed unexpectedly", path=call.path)
            self._fail(call, unexpected())

    def _fail(self, call: Call, error: FairleadError) -> None:
        if not call.ended:
            self._application.failed(call, error)
            call.fail(error)


def _ignore(_event: h2.events.Event) -> None: ...
