"""HTTP/2 itself: the library h2, as a server of gRPC needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import h2.stream

if TYPE_CHECKING:
    from h2._typing import Buffer

CALLS_OF_A_CONNECTION = 128
WINDOW_BYTES = 4 * 1024 * 1024
"""What a caller may send ahead of a call."""
HEADER_BYTES = 64 * 1024
TABLE_BYTES = 4096
"""What is remembered of headers sent, however much more the caller would remember."""
_LENGTH_BYTES = 3

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


_BEGIN = b"\x88" + b"\x0f\x10\x10application/grpc"
""":status 200 and the content-type, as HPACK writes what it does not remember (RFC 7541, 6.1 and 6.2.2)."""
_END = b"\x00\x0bgrpc-status\x010"
_HEADERS = len(_BEGIN).to_bytes(3) + b"\x01\x04"
_TRAILERS = len(_END).to_bytes(3) + b"\x01\x05"
_DATA = b"\x00\x00"
"""A frame's length, type and flags: END_HEADERS, and END_STREAM with the trailers."""


class ServerProtocol(h2.connection.H2Connection):
    """The server's side of one connection. Reaches into h2 in seven places, all of them here."""

    MAX_CLOSED_STREAMS = 1024
    """Of so many calls it is known that they have ended; h2 keeps 65,536 for each connection."""

    def __init__(self) -> None:
        super().__init__(_CONFIG)
        codes = h2.settings.SettingCodes
        self.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                codes.MAX_CONCURRENT_STREAMS: CALLS_OF_A_CONNECTION,
                codes.INITIAL_WINDOW_SIZE: WINDOW_BYTES,
                codes.MAX_HEADER_LIST_SIZE: HEADER_BYTES,
            },
        )
        self.decoder.max_header_list_size = HEADER_BYTES

    def begin(self) -> None:
        """Say what is offered. A call that is not read for a while holds up no other of the connection."""
        self.initiate_connection()
        self.increment_flow_control_window(CALLS_OF_A_CONNECTION * WINDOW_BYTES)

    def receive_data(self, data: Buffer) -> list[h2.events.Event]:
        """Return what the bytes tell. Raises ProtocolError."""
        events = super().receive_data(data)
        # h2 looks at a frame once it is whole, up to 16 MB that anybody may send.
        rest = self.incoming_buffer._data
        if len(rest) >= _LENGTH_BYTES and int.from_bytes(rest[:_LENGTH_BYTES]) > self.max_inbound_frame_size:
            self._terminate_connection(h2.errors.ErrorCodes.FRAME_SIZE_ERROR)
            raise h2.exceptions.FrameTooLargeError("a frame is larger than frames may be")
        return events

    def answer(self, stream_id: int, data: bytes) -> bool:
        """Send headers, one frame of data and trailers of a call that has sent all; return whether they may be sent.

        It is what nearly every call is answered, and the same for each but for the data: written once, and in such
        a form (HPACK's literals without indexing) that it changes nothing that is remembered of headers.
        """
        stream, size = self.streams.get(stream_id), len(data)
        if (
            stream is None
            or stream.state_machine.state is not h2.stream.StreamState.HALF_CLOSED_REMOTE
            or size > min(stream.outbound_flow_control_window, self.outbound_flow_control_window)
            or size > self.max_outbound_frame_size
            # To be told before any other header.
            or self.encoder.table_size_changes
        ):
            return False
        self.outbound_flow_control_window -= size
        stream.state_machine.state = h2.stream.StreamState.CLOSED
        stream.state_machine.stream_closed_by = h2.stream.StreamClosedBy.SEND_END_STREAM
        number = stream_id.to_bytes(4)
        self._data_to_send += b"".join(
            (_HEADERS, number, _BEGIN, size.to_bytes(3), _DATA, number, data, _TRAILERS, number, _END)
        )
        return True

    def forget(self, stream_id: int) -> None:
        """Let go of a call that has ended; h2 looks through all there are whenever one begins."""
        stream = self.streams.get(stream_id)
        if stream is not None and stream.closed:
            del self.streams[stream_id]
            self._closed_streams[stream_id] = stream.closed_by

    @property
    def open_inbound_streams(self) -> int:
        """Return none: one too many is refused by itself, where h2 would end the connection."""
        return 0

    def _begin_new_stream(self, stream_id: int, allowed_ids: Any) -> h2.stream.H2Stream:
        # gRPC's messages tell their lengths themselves; to h2 a content-length that is wrong is the connection's end.
        stream = super()._begin_new_stream(stream_id, allowed_ids)
        stream._initialize_content_length = _ignore  # type: ignore[method-assign, assignment]
        return stream

    def _receive_goaway_frame(self, frame: Any) -> tuple[list[Any], list[Any]]:  # noqa: ARG002
        # To h2 it is the connection's end. It says that the caller begins nothing more (RFC 9113, 6.8): what it has
        # asked is answered.
        return [], []

    def _receive_settings_frame(self, frame: Any) -> tuple[list[Any], list[Any]]:
        # A caller with room for gigabytes of headers would have them kept here, too.
        code = h2.settings.SettingCodes.HEADER_TABLE_SIZE
        if frame.settings.get(code, 0) > TABLE_BYTES:
            frame.settings[code] = TABLE_BYTES
        return super()._receive_settings_frame(frame)


def _ignore(_headers: object) -> None: ...
