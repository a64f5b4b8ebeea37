"""A caller of gRPC that does with HTTP/2 what a test wants, good or bad: the library h2 on a real socket."""

from __future__ import annotations

import socket
import struct
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
from google.rpc import error_details_pb2, status_pb2
from hyperframe.frame import Frame, HeadersFrame

from fairlead.api.inference.v2 import open_inference_pb2 as pb

TOKEN = "token-of-the-test"
SERVICE = "/inference.GRPCInferenceService"
INFER, STREAM = f"{SERVICE}/ModelInfer", f"{SERVICE}/ModelStreamInfer"
PATIENCE = 30.0


def framed(message: bytes, compressed: int = 0) -> bytes:
    return struct.pack(">BI", compressed, len(message)) + message


@dataclass
class Answer:
    """What came for a call so far."""

    headers: dict[str, str] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)
    blocks: int = 0
    frames: int = 0
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.trailers["grpc-status"])

    @property
    def message(self) -> str:
        return unquote(self.trailers.get("grpc-message", ""))

    @property
    def messages(self) -> list[bytes]:
        found, at = [], 0
        while len(self.data) >= at + 5:
            begin, end = at + 5, at + 5 + int.from_bytes(self.data[at + 1 : at + 5], "big")
            if len(self.data) < end:
                break
            found.append(bytes(self.data[begin:end]))
            at = end
        return found

    @property
    def prediction(self) -> float:
        (message,) = self.messages
        return value(pb.ModelInferResponse.FromString(message))

    @property
    def details(self) -> status_pb2.Status:
        text = self.trailers["grpc-status-details-bin"]
        return status_pb2.Status.FromString(b64decode(text + "=" * (-len(text) % 4)))

    @property
    def retry_after(self) -> float:
        retry = error_details_pb2.RetryInfo()
        assert any(detail.Unpack(retry) for detail in self.details.details)
        return float(retry.retry_delay.ToNanoseconds()) * 1e-9


def value(response: pb.ModelInferResponse) -> float:
    (found,) = struct.unpack("<d", response.raw_output_contents[0])
    return float(found)


class _Http(h2.connection.H2Connection):
    """To h2 a GOAWAY is the connection's end; what comes behind it is what several tests are about."""

    def _receive_goaway_frame(self, frame: Any) -> tuple[list[Any], list[Any]]:
        event = h2.events.ConnectionTerminated()
        event.error_code, event.last_stream_id = frame.error_code, frame.last_stream_id
        event.additional_data = frame.additional_data
        return [], [event]


class Caller:
    """One connection; windows are opened again as data comes, unless it `holds`."""

    def __init__(self, port: int, *, window: int | None = None, holds: bool = False, buffers: int = 0) -> None:
        self.socket = socket.socket()
        if buffers:
            for which in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                self.socket.setsockopt(socket.SOL_SOCKET, which, buffers)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.http = _Http(h2.config.H2Configuration(header_encoding="utf-8"))
        if window is not None:
            code = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
            self.http.local_settings = h2.settings.Settings(client=True, initial_values={code: window})
        self.holds = holds
        self.answers: dict[int, Answer] = {}
        self.goaways: list[tuple[int, int, bytes]] = []
        self.pings = 0
        self.closed = False
        self._next = 1
        self.http.initiate_connection()
        self.flush()

    def close(self) -> None:
        self.socket.close()

    def flush(self) -> None:
        self.socket.sendall(self.http.data_to_send())

    def begin(
        self,
        path: str = INFER,
        *more: tuple[str, str],
        token: str | None = TOKEN,
        end: bool = False,
        flush: bool = True,
    ) -> int:
        """Begin a call and return its number."""
        number, self._next = self._next, self._next + 2
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "test"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        ]
        if token is not None:
            headers.append(("authorization", f"Bearer {token}"))
        self.answers[number] = Answer()
        self.http.send_headers(number, [*headers, *more], end_stream=end)
        if flush:
            self.flush()
        return number

    def send(self, number: int, data: bytes, *, end: bool = False, flush: bool = True) -> None:
        """Send data of a call, in frames as large as they may be."""
        frames = [data[at : at + 16384] for at in range(0, len(data), 16384)] or [b""]
        for index, frame in enumerate(frames):
            while self.http.local_flow_control_window(number) < len(frame):
                self.flush()
                self.read()
            self.http.send_data(number, frame, end_stream=end and index == len(frames) - 1)
        if flush:
            self.flush()

    def ask(self, request: pb.ModelInferRequest, *more: tuple[str, str], path: str = INFER, flush: bool = True) -> int:
        """Begin a call with its one message."""
        number = self.begin(path, *more, flush=False)
        self.send(number, framed(request.SerializeToString()), end=True, flush=flush)
        return number

    def head(self, number: int, *more: tuple[str, str]) -> HeadersFrame:
        """A frame that begins a call without a token, whose answer is all headers."""
        headers = [(":method", "POST"), (":path", INFER), ("content-type", "application/grpc"), *more]
        data = self.http.encoder.encode(headers)
        return HeadersFrame(number, data, flags=("END_HEADERS", "END_STREAM"))

    def raw(self, *frames: Frame) -> None:
        """Send frames that this caller itself knows nothing of."""
        self.socket.sendall(b"".join(frame.serialize() for frame in frames))

    def read(self) -> None:
        """Take in what comes next."""
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError:
            data = b""
        if not data:
            self.closed = True
            return
        for event in self.http.receive_data(data):
            self._note(event)
        if not self.holds:
            try:
                self.flush()
            except ConnectionError:
                self.closed = True

    def answer(self, number: int) -> Answer:
        """Return the whole answer to a call."""
        answer = self.answers[number]
        while not answer.ended and answer.reset is None:
            assert not self.closed, "the connection ended before the call"
            self.read()
        return answer

    def until_closed(self) -> None:
        """Return once the server has ended the connection."""
        while not self.closed:
            self.read()

    def round_trip(self) -> None:
        """Return once the server has read what was sent. Raises ConnectionError where it ends the connection."""
        before = self.pings
        if not self.goaways:
            self.http.ping(b"12345678")
            self.flush()
        while self.pings == before:
            if self.closed or self.goaways:
                raise ConnectionError("the server has ended the connection")
            self.read()

    def reset(self, number: int) -> None:
        self.http.reset_stream(number, h2.errors.ErrorCodes.CANCEL)
        self.flush()

    def _note(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ConnectionTerminated):
            code = int(event.error_code or 0)
            self.goaways.append((event.last_stream_id or 0, code, event.additional_data or b""))
        elif isinstance(event, h2.events.PingAckReceived):
            self.pings += 1
        number = getattr(event, "stream_id", None)
        answer = self.answers.get(number or 0)
        if answer is None:
            return
        if isinstance(event, h2.events.ResponseReceived):
            answer.headers = answer.trailers = {str(name): str(text) for name, text in event.headers or ()}
            answer.blocks += 1
        elif isinstance(event, h2.events.TrailersReceived):
            answer.trailers = {str(name): str(text) for name, text in event.headers or ()}
            answer.blocks += 1
        elif isinstance(event, h2.events.DataReceived):
            answer.data += event.data or b""
            answer.frames += 1
            if not self.holds:
                self.http.acknowledge_received_data(event.flow_controlled_length or 0, number or 0)
        elif isinstance(event, h2.events.StreamEnded):
            answer.ended = True
        elif isinstance(event, h2.events.StreamReset):
            answer.reset = int(event.error_code or 0)
