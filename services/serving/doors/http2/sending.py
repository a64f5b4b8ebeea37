"""The half of a connection that sends: answers to bytes, as fast as the caller takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import h2.errors
import h2.exceptions
from hyperframe.frame import GoAwayFrame

from fairlead.kit.logging import get_logger

from .call import Call, Header, Unsent
from .connections import Connections
from .line import Line
from .patience import Patience
from .protocol import ServerProtocol

SLICE_BYTES = 1024 * 1024
"""What one call sends before the others have their turn."""
LAST_STREAM = 2**31 - 1

LOG = get_logger("fairlead.serving.http2")


class Sending(asyncio.Protocol):
    """Calls of one caller, and what they are sent."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._application = connections.application
        self._http = ServerProtocol()
        self._patience = Patience()
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # given before anything else happens
        self.calls: dict[int, Call] = {}
        self._writable = True
        self._closed = False
        self._flushing = False
        self._answered: list[Call] = []
        """Calls that have something more to send since it was last written."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that it runs on."""
        return self._connections.loop

    # What calls do.

    def begin(self, call: Call, headers: list[Header]) -> None:
        """Send a call's first headers."""
        if self._is_open(call):
            self._hand_over(call, lambda: self._http.send_headers(call.stream_id, headers))
            self._flush_soon()

    def send(self, call: Call, data: bytes) -> None:
        """Send a call's data, as much at a time as the caller takes."""
        self._send(call, data)

    def end_call(self, call: Call, trailers: list[Header]) -> None:
        """Send a call's trailers behind what is still unsent."""
        self._send(call, trailers)

    def answer(self, call: Call, data: bytes) -> bool:
        """Send a call's one message and its end in one go; return whether that was possible."""
        if self._closed or not self._writable or call.begun or not call.half_closed:
            return False
        if not self._http.answer(call.stream_id, data):
            return False
        self._patience.credit()
        self._done(call)
        self._flush_soon()
        return True

    def go_on(self, call: Call) -> None:
        """Let a call's caller send more, unless it is behind."""
        if call.held and not call.is_behind:
            self._acknowledge(call)

    # What the server does.

    def tell_end(self) -> None:
        """Tell the caller to begin no more calls here; those that are on their way are answered."""
        self._write_goaway(LAST_STREAM, h2.errors.ErrorCodes.NO_ERROR)

    def end(self, code: h2.errors.ErrorCodes = h2.errors.ErrorCodes.NO_ERROR, why: bytes = b"") -> None:
        """Close once what was written is sent, and the caller told which of its calls were seen."""
        if not self._closed:
            self._flush()
            self._write_goaway(self._http.highest_inbound_stream_id, code, why)
            self._close()

    def abort(self) -> None:
        """Close at once."""
        self._lose_all()
        self._transport.abort()

    def drop(self, call: Call) -> None:
        """Give up a call whose caller does not take its answer."""
        if self._is_open(call):
            self._hand_over(call, lambda: self._http.reset_stream(call.stream_id, h2.errors.ErrorCodes.CANCEL))
            self._lose(call)
            self._flush_soon()

    # How calls end.

    def _lose_all(self) -> None:
        self._closed = True
        for call in list(self.calls.values()):
            self._lose(call)

    def _lose(self, call: Call) -> None:
        self.calls.pop(call.stream_id, None)
        call.unsent.clear()
        ended, call.ended = call.ended, True
        self._let_go(call)
        if not ended:
            self._application.gone(call)

    def _done(self, call: Call) -> None:
        del self.calls[call.stream_id]
        if not call.half_closed:
            # The caller need not send the rest: gRPC servers end calls so.
            self._http.reset_stream(call.stream_id, h2.errors.ErrorCodes.NO_ERROR)
        self._let_go(call)

    def _let_go(self, call: Call) -> None:
        call.backlog.clear()
        if call.held:
            self._acknowledge(call)
        self._http.forget(call.stream_id)
        call.took(self._connections.loop.time())

    def _acknowledge(self, call: Call) -> None:
        held, call.held = call.held, 0
        if not self._closed:
            self._http.acknowledge_received_data(held, call.stream_id)
            self._flush_soon()

    def _is_open(self, call: Call) -> bool:
        return not self._closed and call.stream_id in self.calls

    # What goes.

    def _send(self, call: Call, what: bytes | list[Header]) -> None:
        if not self._is_open(call):
            return
        if not call.unsent:
            call.since = self._connections.loop.time()
        call.unsent.append(what)
        self._answered.append(call)
        self._flush_soon()

    def _send_waiting(self) -> None:
        for call in list(self.calls.values()):
            if call.unsent:
                self._send_waiting_of(call)

    def _send_waiting_of(self, call: Call) -> None:
        if self._is_open(call) and call.unsent:
            self._send_what_may(call)
            self.go_on(call)
            self._flush_soon()

    def _hand_over(self, call: Call, act: Callable[[], None]) -> bool:
        """Hand the protocol something of a call; the caller may have left without our having heard of it yet."""
        try:
            act()
        except h2.exceptions.ProtocolError:
            self._lose(call)
            return False
        return True

    def _send_what_may(self, call: Call) -> None:
        """Hand the call's data to the protocol, as far as its windows and the transport allow."""
        self._hand_over(call, lambda: self._send_some(call))

    def _send_some(self, call: Call) -> None:
        http, stream_id, unsent = self._http, call.stream_id, call.unsent
        sent = 0
        while unsent and self._writable:
            if isinstance(unsent.first, list):
                http.send_headers(stream_id, unsent.first, end_stream=True)
                unsent.clear()
                self._patience.credit()
                self._done(call)
                return
            if sent > SLICE_BYTES:
                self._connections.loop.call_soon(self._send_waiting_of, call)
                return
            room = min(http.local_flow_control_window(stream_id), http.max_outbound_frame_size)
            if room <= 0:
                return
            data = self._next(unsent, room)
            http.send_data(stream_id, data)
            sent += len(data)
            call.took(self._connections.loop.time())

    def _next(self, unsent: Line[Unsent], room: int) -> bytes | memoryview:
        """Return so many bytes of what waits, or what there is: a frame may hold many messages."""
        pieces: list[bytes | memoryview] = []
        while room and unsent and not isinstance(unsent.first, list):
            piece = unsent.popleft()
            assert not isinstance(piece, list)
            if len(piece) > room:
                unsent.put_back(memoryview(piece)[room:])
                piece = piece[:room]
            room -= len(piece)
            pieces.append(piece)
            self._patience.credit()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _write_goaway(self, last_stream: int, code: h2.errors.ErrorCodes, why: bytes = b"") -> None:
        frame = GoAwayFrame(stream_id=0, last_stream_id=last_stream, error_code=code, additional_data=why)
        self._transport.write(frame.serialize())

    def _close(self) -> None:
        self._lose_all()
        self._transport.close()

    def _send_answered(self) -> None:
        if not self._answered:
            return
        answered, self._answered = self._answered, []
        for call in answered:
            if call.unsent and self._is_open(call):
                self._send_what_may(call)
                # It may have been held up for what has just gone.
                self.go_on(call)

    def _flush_soon(self) -> None:
        """Write once for all that is answered in this turn of the loop."""
        if not self._flushing:
            self._flushing = True
            self._connections.loop.call_soon(self._flush)

    def _flush(self) -> None:
        try:
            self._send_answered()
        except Exception:
            # What its caller knows of calls and headers is not known any more.
            LOG.exception("a connection's answers could not be written")
            self.abort()
        finally:
            self._flushing = False
        if not self._closed and (data := self._http.data_to_send()):
            self._transport.write(data)
