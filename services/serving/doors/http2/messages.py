"""gRPC's messages on a stream: a flag, four bytes of length, and the message (grpc.io, PROTOCOL-HTTP2.md)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from fairlead.kit.errors import FairleadError, Internal, InvalidArgument, ResourceExhausted, Unimplemented
from fairlead.kit.http.inflating import ENCODINGS, inflate

PREFIX = struct.Struct(">BI")
MEGABYTE = 1024 * 1024
NOT_COMPRESSED = ("", "identity")
ACCEPTED = (b"grpc-accept-encoding", ",".join(("identity", *ENCODINGS)).encode())


class UnknownEncoding(Unimplemented):
    """Messages are compressed in a way that is not read here; the answer tells which ways are."""


class Compressed(bytes):
    """A message as it came, compressed: to make it whole may take long."""

    __slots__ = ()


class MessageReader:
    """Puts messages together from the data of a stream."""

    __slots__ = ("_data", "_encoding", "limit")

    def __init__(self, encoding: str, limit: int) -> None:
        """Read messages of at most limit bytes; encoding is the stream's grpc-encoding, empty for none."""
        self.limit = limit
        self._data = bytearray()
        self._encoding = encoding

    def read(self, data: bytes) -> Iterator[bytes]:
        """Return the messages that are whole now, those that are compressed as Compressed.

        Raises ResourceExhausted for one that is too large, as soon as its length is here; UnknownEncoding, and
        Internal for one that is compressed though the call does not say how.
        """
        if not self._data and len(data) >= PREFIX.size:
            compressed, length = PREFIX.unpack_from(data)
            # Mostly a stream's data is one message, which need not be copied together.
            if not compressed and length <= self.limit and len(data) == PREFIX.size + length:
                yield data[PREFIX.size :]
                return
        self._data += data
        while len(self._data) >= PREFIX.size:
            compressed, length = PREFIX.unpack_from(self._data)
            self._check(compressed, length)
            end = PREFIX.size + length
            if len(self._data) < end:
                return
            with memoryview(self._data) as view:
                message = (Compressed if compressed else bytes)(view[PREFIX.size : end])
            del self._data[:end]
            yield message

    @property
    def is_within(self) -> bool:
        """Whether a part of a message is here, and the rest is not."""
        return bool(self._data)

    def whole(self, message: Compressed) -> bytes:
        """Return a message as it was before it was compressed. Raises InvalidArgument and ResourceExhausted."""
        try:
            found = inflate(message, self._encoding, self.limit + 1)
        except InvalidArgument:
            raise InvalidArgument(f"a message is no valid {self._encoding}, as grpc-encoding says it is") from None
        if len(found) > self.limit:
            raise ResourceExhausted(f"a message has more than {_megabytes(self.limit)} once it is decompressed")
        return found

    def _check(self, compressed: int, length: int) -> None:
        """Raise what is wrong with a message of which no more than the beginning is known."""
        error: FairleadError | None = None
        if length > self.limit:
            error = ResourceExhausted(f"the message has {length} bytes; at most {_megabytes(self.limit)} are read")
        elif compressed and self._encoding in NOT_COMPRESSED:
            error = Internal("a message is flagged as compressed, and the call names no grpc-encoding")
        elif compressed and self._encoding not in ENCODINGS:
            error = UnknownEncoding(
                f"messages of grpc-encoding '{self._encoding:.40}' are not read; send gzip, deflate or identity"
            )
        if error is not None:
            # What else comes of it is of no use.
            self._data.clear()
            raise error


def framed(message: bytes) -> bytes:
    """Return a message as it is sent."""
    return PREFIX.pack(0, len(message)) + message


def _megabytes(size: int) -> str:
    return f"{size // MEGABYTE} MB" if size >= MEGABYTE else f"{size} bytes"
