"""One connection of HTTP/2: bytes to calls, answers to bytes. The protocol itself is the library h2's."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from hyperframe.frame import GoAwayFrame

from fairlead.kit.errors import FairleadError

from .call import Call, Header

CALLS_OF_A_CONNECTION = 128
WINDOW_BYTES = 4 * 1024 * 1024
"""What a caller may send ahead, of a call and of a connection."""
HEADER_BYTES = 64 * 1024
MOST_RESETS = 1000
"""A caller who begins calls and takes them back so often, more than it lets be answered, is no caller."""
LAST_STREAM = 2**31 - 1

_CONFIG = h2.config.H2Configuration(
    client_side=False,
    header_encoding=None,
    # What is not as it should be concerns the caller alone: headers are read, and never handed on as HTTP.
    validate_inbound_headers=False,
    normalize_inbound_headers=False,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
    split_outbound_cookies=False,
)


class Application(Protocol):
    """What answers calls; it raises nothing but FairleadError, which ends the call."""

    @property
    def message_bytes(self) -> int:
        """Return the largest message that it reads."""

    def began(self, call: Call) -> None:
        """A call has begun."""

    def came(self, call: Call, message: bytes) -> None:
        """One of its messages has come."""

    def sent_all(self, call: Call) -> None:
        """Its caller sends no more messages."""

    def left(self, call: Call) -> None:
        """Its caller, or the connection, is gone before the end."""


class Connections:
    """What the connections of a server share."""

    def __init__(self, application: Application, loop: asyncio.AbstractEventLoop, *, most: int) -> None:
        """Let there be so many at most."""
        self.application = application
        self.loop = loop
        self.most = most
        self.open: set[Http2Connection] = set()
        self.ending = False


class Http2Connection(asyncio.Protocol):
    """Calls of one caller."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._application = connections.application
        self._http = h2.connection.H2Connection(_CONFIG)
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # given before anything else happens
        self.calls: dict[int, Call] = {}
        self._writable = True
        self._closed = False
        self._flushing = False
        self._resets = 0
        self.since = connections.loop.time()
        """When something last came."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that it runs on."""
        return self._connections.loop

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast(asyncio.Transport, transport)
        if len(self._connections.open) >= self._connections.most:
            self._transport.abort()
            return
        self._connections.open.add(self)
        http = self._http
        http.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: CALLS_OF_A_CONNECTION,
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: WINDOW_BYTES,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: HEADER_BYTES,
            },
        )
        http.decoder.max_header_list_size = HEADER_BYTES
        http.initiate_connection()
        http.increment_flow_control_window(WINDOW_BYTES)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The connection is gone."""
        self._closed = True
        self._connections.open.discard(self)
        for call in list(self.calls.values()):
            self._lose(call)

    def pause_writing(self) -> None:
        """The caller reads too slowly: nothing more is answered until it has caught up."""
        self._writable = False

    def resume_writing(self) -> None:
        """The caller has caught up."""
        self._writable = True
        self._send_waiting()

    def data_received(self, data: bytes) -> None:
        """Bytes have come; those that are no HTTP/2 end the connection."""
        if self._closed:
            return
        self.since = self._connections.loop.time()
        try:
            events = self._http.receive_data(data)
        except h2.exceptions.ProtocolError:
            # It has written why, for the caller to read.
            self._flush()
            self._transport.close()
            return
        for event in events:
            if isinstance(event, h2.events.RequestReceived):
                self._begin(event)
            elif isinstance(event, h2.events.DataReceived):
                self._take(event)
            elif isinstance(event, h2.events.StreamEnded):
                self._half_close(event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self._reset(event.stream_id)
            elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
                self._send_waiting()
            elif isinstance(event, h2.events.ConnectionTerminated):
                # What it has asked is answered; it asks no more.
                continue
        self._flush()

    # What calls do.

    def begin(self, call: Call, headers: list[Header]) -> None:
        """Send a call's first headers."""
        if self._is_open(call):
            self._http.send_headers(call.stream_id, headers)
            self._flush_soon()

    def send(self, call: Call, data: bytes) -> None:
        """Send a call's data, as much at a time as the caller takes."""
        if self._is_open(call):
            call.unsent.append(data)
            self._send_what_may(call)
            self._flush_soon()

    def end(self, call: Call, trailers: list[Header]) -> None:
        """Send a call's trailers behind what is still unsent."""
        if self._is_open(call):
            call.unsent.append(trailers)
            self._send_what_may(call)
            self._flush_soon()

    def go_on(self, call: Call) -> None:
        """Let a call's caller send more, unless it is behind."""
        if call.held and not call.is_behind and not self._closed:
            held, call.held = call.held, 0
            self._http.acknowledge_received_data(held, call.stream_id)
            self._flush_soon()

    def tell_end(self) -> None:
        """Tell the caller to begin no more calls here; those that are on their way are answered."""
        frame = GoAwayFrame(stream_id=0, last_stream_id=LAST_STREAM, error_code=h2.errors.ErrorCodes.NO_ERROR)
        self._transport.write(frame.serialize())

    def close(self) -> None:
        """Close once what was written is sent."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _begin(self, event: h2.events.RequestReceived) -> None:
        call = Call(self, event.stream_id or 0, dict(event.headers or ()), self._application.message_bytes)
        self.calls[call.stream_id] = call
        try:
            call.read_timeout()
            self._application.began(call)
        except FairleadError as error:
            call.fail(error)

    def _take(self, event: h2.events.DataReceived) -> None:
        stream_id, size = event.stream_id or 0, event.flow_controlled_length or 0
        call = self.calls.get(stream_id)
        if call is None or call.ended:
            self._http.acknowledge_received_data(size, stream_id)
            return
        try:
            for message in call.reader.read(event.data or b""):
                self._application.came(call, message)
        except FairleadError as error:
            call.fail(error)
        call.held += size
        self.go_on(call)

    def _half_close(self, stream_id: int | None) -> None:
        call = self.calls.get(stream_id or 0)
        if call is not None and not call.half_closed:
            call.half_closed = True
            if not call.ended:
                self._application.sent_all(call)

    def _reset(self, stream_id: int | None) -> None:
        call = self.calls.get(stream_id or 0)
        if call is not None:
            self._lose(call)
            self._resets += 1
            if self._resets > MOST_RESETS:
                self._http.close_connection(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
                self._flush()
                self._transport.close()

    def _lose(self, call: Call) -> None:
        self.calls.pop(call.stream_id, None)
        call.unsent.clear()
        call.backlog.clear()
        self.go_on(call)
        if not call.ended:
            call.ended = True
            self._application.left(call)

    def _is_open(self, call: Call) -> bool:
        return not self._closed and call.stream_id in self.calls

    def _send_waiting(self) -> None:
        for call in list(self.calls.values()):
            if call.unsent:
                self._send_what_may(call)
                self.go_on(call)
        self._flush_soon()

    def _send_what_may(self, call: Call) -> None:
        """Hand the call's data to the protocol, as far as its windows and the transport allow."""
        http, stream_id, unsent = self._http, call.stream_id, call.unsent
        while unsent and self._writable:
            head = unsent[0]
            if isinstance(head, list):
                unsent.popleft()
                http.send_headers(stream_id, head, end_stream=True)
                self._done(call)
                return
            room = min(http.local_flow_control_window(stream_id), http.max_outbound_frame_size)
            if room <= 0:
                return
            if len(head) <= room:
                unsent.popleft()
                http.send_data(stream_id, head)
            else:
                http.send_data(stream_id, head[:room])
                unsent[0] = head[room:]

    def _done(self, call: Call) -> None:
        del self.calls[call.stream_id]
        call.backlog.clear()
        self.go_on(call)
        self._resets = max(0, self._resets - 1)
        if not call.half_closed:
            # The caller need not send the rest: gRPC servers end calls so.
            self._http.reset_stream(call.stream_id, h2.errors.ErrorCodes.NO_ERROR)

    def _flush_soon(self) -> None:
        """Write once for all that is answered in this turn of the loop."""
        if not self._flushing:
            self._flushing = True
            self._connections.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if not self._closed and (data := self._http.data_to_send()):
            self._transport.write(data)
